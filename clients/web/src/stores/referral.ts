const KEY = "desk.referral";
const CODE = /^[A-Za-z0-9]{10}$/;

/** Keeps the code of the link that brought the reader here (`/?ref=CODE`), for this tab until a sign-in. */
export function keepReferral(): void {
  const address = new URL(location.href);
  const code = address.searchParams.get("ref");
  if (code === null) return;
  if (CODE.test(code)) sessionStorage.setItem(KEY, code);
  address.searchParams.delete("ref"); // a page that is passed on brings nobody by chance
  history.replaceState(history.state, "", address);
}

/** The code that was kept. */
export const keptReferral = (): string | null => sessionStorage.getItem(KEY);

/** Somebody has signed in: whoever comes next was not brought by it. */
export const dropReferral = (): void => sessionStorage.removeItem(KEY);
