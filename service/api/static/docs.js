// Draws the OpenAPI document that the page names, in the colours that the reader's system asks for.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followSystem);
followSystem();

window.SwaggerUIBundle({
  url: document.querySelector('link[rel="service-desc"]').href,
  domNode: document.getElementById("documentation"),
  // Without the top bar: its inline style is against the Content-Security-Policy.
  layout: "BaseLayout",
  presets: [window.SwaggerUIBundle.presets.apis],
  // An address is a link to an operation, but never says which document or server is shown.
  deepLinking: true,
  queryConfigEnabled: false,
  // Nothing leaves for a foreign host, and no key stays in the browser.
  validatorUrl: null,
  persistAuthorization: false,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 2,
  displayRequestDuration: true,
  syntaxHighlight: { activated: true, theme: "agate" },
});
