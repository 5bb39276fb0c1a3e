// What all pages have: parts that need scripts, buttons that copy, tables that sort.
"use strict";

(function () {
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      button.textContent = (await copy(code)) ? "Copied" : "Selected";
      setTimeout(() => (button.textContent = "Copy"), 1600);
    });
  }

  // Copies a text; where that is not allowed, it is selected, to be copied by hand.
  async function copy(code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(code);
      return false;
    }
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      if (!cell.textContent) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => sort(table, column, cell));
    });
  }

  function sort(table, column, head) {
    const down = head.ariaSort !== "descending";
    for (const cell of head.parentElement.cells) cell.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].textContent.trim();
    const compare = (a, b) => {
      const [x, y] = [parseFloat(key(a)), parseFloat(key(b))];
      if (Number.isNaN(x) || Number.isNaN(y)) return key(b).localeCompare(key(a));
      return y - x;
    };
    const rows = [...table.tBodies[0].rows].sort(compare);
    table.tBodies[0].append(...(down ? rows : rows.reverse()));
  }
})();
