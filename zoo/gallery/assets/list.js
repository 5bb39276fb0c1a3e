// The list of models: filters, search and order over the rows of models.js.
"use strict";

(function () {
  const PAGE = 48;
  const { columns, rows } = globalThis.zooModels;
  const models = rows.map((row) => {
    const model = Object.fromEntries(columns.map((name, i) => [name, row[i]]));
    model.text = [model.name, model.program, model.family, model.meaning]
      .join(" ")
      .toLowerCase();
    return model;
  });

  const SIZES = [
    [0, 5000, "under 5,000"],
    [5000, 20000, "5,000 to 20,000"],
    [20000, 100000, "20,000 to 100,000"],
    [100000, Infinity, "100,000 and more"],
  ];
  const NODES = [
    [0, 3, "1 or 2"],
    [3, 6, "3 to 5"],
    [6, 12, "6 to 11"],
    [12, Infinity, "12 and more"],
  ];
  const within = (bounds, value) => bounds.find(([low, high]) => low <= value && value < high)[2];
  // By menu, the values of a model there: it may have several.
  const VALUES = {
    kind: (m) => [m.kind],
    family: (m) => [m.family.split("/")[0], m.family],
    task: (m) => [{ program: "RASP program", language: "language task" }[m.task] || m.task],
    output: (m) => [m.output],
    layers: (m) => [String(m.layers)],
    size: (m) => [within(SIZES, m.parameters)],
    nodes: (m) => [within(NODES, m.nodes)],
    norm: (m) => [{ none: "none", pre: "LayerNorm", rms: "RMSNorm" }[m.norm]],
    architecture: (m) => [m.architecture || "none of these"],
    attends: (m) => [m.attends],
    certificate: (m) => [
      `${m.audit} audit`,
      m.fails.length ? "some claims fail" : "every claim holds",
      ...(m.proven ? ["with proven bounds"] : []),
      ...(m.circuits ? ["several circuits"] : []),
    ],
  };
  for (const model of models) {
    model.values = {};
    for (const name in VALUES) model.values[name] = VALUES[name](model);
  }
  const ORDER = { size: SIZES.map((s) => s[2]), nodes: NODES.map((s) => s[2]) };

  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const search = byId("search");
  const order = byId("order");
  const cards = byId("cards");
  const found = byId("found");
  const more = byId("more");
  const menus = Object.keys(VALUES).map((name) => [name, byId(`filter-${name}`)]);
  let sorted = "";
  let chosen = models;
  let visible = PAGE;

  function fillMenus() {
    for (const [name, menu] of menus) {
      const counts = new Map();
      for (const model of models) {
        for (const value of new Set(model.values[name])) {
          counts.set(value, (counts.get(value) || 0) + 1);
        }
      }
      const rank = (value) => (ORDER[name] ? ORDER[name].indexOf(value) : 0);
      const values = [...counts.keys()].sort(
        (a, b) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true })
      );
      for (const value of values) {
        const inside = name === "family" && value.includes("/") ? "\u00a0\u00a0" : "";
        menu.add(new Option(`${inside}${value} (${counts.get(value)})`, value));
      }
    }
  }

  // All models are sorted when the order changes, so that a filter need not sort.
  function sort() {
    if (sorted === order.value) return;
    sorted = order.value;
    const key = sorted.replace("-", "");
    const sign = sorted.startsWith("-") ? -1 : 1;
    models.sort((a, b) =>
      key === "name" || a[key] === b[key]
        ? a.name < b.name ? -1 : 1
        : sign * (a[key] - b[key])
    );
  }

  function update() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = menus.filter(([, menu]) => menu.value);
    sort();
    chosen = models.filter(
      (model) =>
        asked.every(([name, menu]) => model.values[name].includes(menu.value)) &&
        words.every((word) => model.text.includes(word))
    );
    for (const [, menu] of menus) menu.classList.toggle("set", menu.value !== "");
    visible = PAGE;
    draw();
    remember(asked);
  }

  function draw() {
    const shown = chosen.slice(0, visible);
    cards.replaceChildren(...shown.map(card));
    if (!chosen.length) {
      cards.append(element("p", "No model is as asked. Clear a filter.", "none"));
    }
    const plural = chosen.length === 1 ? "model" : "models";
    found.textContent = `${chosen.length.toLocaleString("en")} ${plural}`;
    more.hidden = chosen.length <= visible;
  }

  function element(name, content, className) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content !== undefined) made.append(content);
    return made;
  }

  function card(model) {
    const link = element("a");
    link.href = `models/${model.name}.html`;
    const picture = new Image(220, 124);
    picture.loading = "lazy";
    picture.alt = "";
    picture.src = `pictures/${model.name}.svg`;
    const meaning = element("p", undefined, "meaning");
    const parts = model.meaning.split("`");
    parts.forEach((part, i) => {
      meaning.append(i % 2 && parts.length % 2 ? element("code", part) : part);
    });
    link.append(picture, element("h2", model.name), meaning);
    const list = element("ul", undefined, "chips");
    for (const [text, className] of chips(model)) list.append(element("li", text, className));
    const made = element("article", link, "model");
    made.append(list);
    return made;
  }

  function chips(model) {
    const nodes = `${model.nodes} node${model.nodes === 1 ? "" : "s"}`;
    const found = [[model.kind, `kind-${model.kind}`]];
    if (model.architecture) found.push([model.architecture, "architecture"]);
    found.push([`${model.layers}×${model.heads}×${model.d_model}`, ""]);
    found.push([`${nodes}, ${model.edges} edges`, ""]);
    if (model.proven) found.push(["proven bounds", "proven"]);
    found.push([`${model.audit} audit`, `audit-${model.audit}`]);
    if (model.fails.length) found.push([`fails: ${model.fails.join(", ")}`, "fails"]);
    return found;
  }

  // The filters are in the address, so that a link leads to the same list.
  function remember(asked) {
    const state = new URLSearchParams();
    if (search.value) state.set("search", search.value);
    for (const [name, menu] of asked) state.set(name, menu.value);
    if (order.selectedIndex > 0) state.set("order", order.value);
    const text = state.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname);
  }

  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    search.value = state.get("search") || "";
    for (const [name, menu] of menus) choose(menu, state.get(name));
    choose(order, state.get("order"));
    byId("menus").open = menus.some(([, menu]) => menu.value) || innerWidth > 900;
  }

  function choose(menu, value) {
    if ([...menu.options].some((option) => option.value === value)) menu.value = value;
  }

  fillMenus();
  recall();
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  for (const part of document.querySelectorAll(".pages")) part.hidden = true;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(update));
  more.addEventListener("click", () => {
    const first = visible;
    visible += PAGE;
    draw();
    cards.children[first].querySelector("a").focus();
  });
  update();
})();
