/* The API's document on a page: Swagger UI over our own file; nothing is asked of any other host. */
"use strict";

(() => {
  const root = document.getElementById("swagger-ui");
  const { document: url, token } = root.dataset;

  SwaggerUIBundle({
    url,
    domNode: root,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    validatorUrl: null, // the badge of a foreign host
    persistAuthorization: false, // a key is gone with the page
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    requestInterceptor: (request) => {
      // Whoever is signed in and gave no key writes by the session, as the pages do.
      const hasKey = "Authorization" in request.headers;
      if (token && !hasKey && !request.loadSpec && request.method !== "GET") request.headers["X-CSRFToken"] = token;
      return request;
    },
  });
})();
