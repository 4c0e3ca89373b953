import "@fontsource-variable/inter/index.css";
import "quasar/src/css/index.sass";
import "./ui/app.scss";

import { createPinia } from "pinia";
import { Dark, Notify, Quasar } from "quasar";
import iconSet from "quasar/icon-set/svg-material-symbols-rounded";
import { createApp } from "vue";

import App from "./App.vue";
import { firstLocale, i18n, useLocale } from "./i18n";
import { router } from "./router";

window.__desk = { idle: false, trucks: 0 };

const app = createApp(App);
app.use(createPinia()).use(i18n).use(Quasar, { plugins: { Dark, Notify }, iconSet }).use(router);
await useLocale(firstLocale()); // after Quasar, which starts in English and says so on <html>
app.mount("#app");
