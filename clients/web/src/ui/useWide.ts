import { onScopeDispose, ref, type Ref } from "vue";

/** Whether there is room for a panel beside the map. */
export function useWide(): Ref<boolean> {
  const query = matchMedia("(min-width: 900px)");
  const wide = ref(query.matches);
  const follow = (): void => {
    wide.value = query.matches;
  };
  query.addEventListener("change", follow);
  onScopeDispose(() => query.removeEventListener("change", follow));
  return wide;
}
