import { createRouter, createWebHashHistory } from "vue-router";

import { keepReferral } from "./stores/referral";
import { useSession } from "./stores/session";

declare module "vue-router" {
  interface RouteMeta {
    /** Reachable without a session. */
    open?: boolean;
  }
}

keepReferral(); // first: the history takes the address of now for its base

/** Hash routes: links in SMS and on paper survive any static server and any path prefix. */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: "/sign-in", name: "sign-in", component: () => import("./features/login/SignInPage.vue"), meta: { open: true } },
    { path: "/enter", name: "enter", component: () => import("./features/login/EnterPage.vue"), meta: { open: true } },
    { path: "/shift", name: "shift", component: () => import("./features/shift/ShiftPage.vue") },
    {
      path: "/",
      component: () => import("./features/board/BoardPage.vue"),
      children: [
        { path: "", name: "orders", component: () => import("./features/board/OrderList.vue") },
        { path: "orders/:order(\\d+)", name: "order", component: () => import("./features/order/OrderPanel.vue") },
        { path: "trucks", name: "trucks", component: () => import("./features/board/TruckList.vue") },
        { path: "new", name: "new-load", component: () => import("./features/order/NewLoad.vue") },
      ],
    },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});

router.beforeEach(async (to) => {
  const session = useSession();
  if (to.name !== "enter") await session.restore(); // a sign-in link replaces whatever session there was
  if (to.meta.open) return to.name === "sign-in" && session.phase === "in" ? { path: "/" } : true;
  if (session.phase !== "in") return { name: "sign-in" };
  if (session.role === "driver" && to.name !== "shift") return { name: "shift" };
  if (session.role !== "driver" && to.name === "shift") return { path: "/" };
  if (to.name === "trucks" && session.role !== "admin") return { path: "/" };
  if (to.name === "new-load" && session.role !== "shipper") return { path: "/" };
  return true;
});
