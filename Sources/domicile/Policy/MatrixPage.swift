import PolicyEngine
import Residency

/// The matrix as a page of HTML that stands alone: no script or style comes from elsewhere, and nothing is sent.
struct MatrixPage {
  private let matrix: PolicyMatrix

  /// Packs that only watch.
  private let monitored: [String]

  init(_ matrix: PolicyMatrix, monitored: [String] = []) {
    self.matrix = matrix
    self.monitored = monitored
  }

  var text: String {
    // "<" could end the script early: written as JSON can write it, it cannot.
    let data = matrix.json(monitored: monitored).canonicalText.replacing("<", with: #"\u003c"#)
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>Policy matrix \(matrix.day)</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <header>
      <h1>What may go where</h1>
      \(monitored.isEmpty ? "" : "<p>In monitor, and not a part of this: \(monitored.joined(separator: ", ")).</p>")
      <p>On \(matrix.day), by revision <code>\(matrix.revision.prefix(19))…</code>. Rows are homes, columns recipients; jurisdictions that no \
      rule tells apart are one.</p>
      <form id="choices" aria-label="What is shown"></form>
      <ul id="legend"></ul>
      </header>
      <main>
      <div id="grid"></div>
      <aside id="detail" aria-live="polite"><p>Choose a cell to see the rule.</p></aside>
      </main>
      <script id="data" type="application/json">\(data)</script>
      <script>\(Self.script)</script>
      </body>
      </html>

      """
  }

  private static let style = """

    :root { --ink: #1c2330; --paper: #fbfbf9; --line: #d9dbe0; --open: #2b7a4b; --masked: #d9a032; --closed: #c9ced8; --forbidden: #a8323e; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6e8ee; --paper: #14171d; --line: #343a46; --open: #3f9d66; --masked: #c8952f; --closed: #3a414e; --forbidden: #c24a56; }
    }
    body { margin: 0; font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
    header, main { padding: 1rem 1.5rem; }
    h1 { font-size: 1.4rem; margin: 0; }
    p { margin: .3rem 0 .8rem; }
    form { display: flex; flex-wrap: wrap; gap: 1rem; }
    label { display: grid; font-size: .8rem; }
    select { font: inherit; padding: .25rem .4rem; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 4px; }
    #legend { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0; margin: .8rem 0 0; font-size: .85rem; }
    #legend span { display: inline-block; width: 1em; height: 1em; margin-right: .4em; vertical-align: -.15em; border-radius: 2px; }
    main { display: grid; grid-template-columns: minmax(0, 1fr) 24rem; gap: 1.5rem; align-items: start; }
    @media (max-width: 70rem) { main { grid-template-columns: 1fr; } }
    #grid { overflow: auto; max-height: 75vh; }
    table { border-collapse: separate; border-spacing: 2px; font-size: .75rem; }
    thead th { position: sticky; top: 0; background: var(--paper); height: 8rem; vertical-align: bottom; }
    thead th div { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
    tbody th { position: sticky; left: 0; background: var(--paper); text-align: right; padding-right: .5rem; white-space: nowrap; font-weight: 600; }
    td { padding: 0; }
    td button { display: block; width: 1.5rem; height: 1.5rem; border: 0; border-radius: 3px; cursor: pointer; padding: 0; font-size: .7rem; color: #fff; }
    td button:hover, td button:focus-visible { outline: 3px solid var(--ink); outline-offset: 0; }
    td button[aria-pressed=true] { outline: 3px solid var(--ink); }
    .open { background: var(--open); } .masked { background: var(--masked); } .closed { background: var(--closed); } .forbidden { background: var(--forbidden); }
    .some { background-image: repeating-linear-gradient(45deg, transparent 0 3px, rgba(0,0,0,.28) 3px 5px); }
    aside { border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; position: sticky; top: 1rem; overflow-wrap: anywhere; }
    aside h2 { font-size: 1rem; margin: 0 0 .4rem; }
    dl { margin: .6rem 0 0; } dt { font-size: .75rem; opacity: .75; } dd { margin: 0 0 .5rem; }
    code { font-size: .9em; }

    """

  private static let script = """

    const data = JSON.parse(document.getElementById("data").textContent);
    const planes = new Map(data.planes.map(plane => {
      const values = [];
      for (let i = 0; i < plane.runs.length; i += 2) for (let n = 0; n < plane.runs[i]; n++) values.push(plane.runs[i + 1]);
      return [plane.action + " " + plane.home, values];
    }));
    const shades = { open: "everything", masked: "part of it, or masked", closed: "no rule permits it", forbidden: "a rule forbids it" };
    const state = {
      action: data.planes[0]?.action ?? "read", cell: Math.max(0, data.cells.indexOf("profile/contact")),
      purpose: Math.max(0, data.purposes.indexOf("support"))
    };
    const element = (name, text, attributes = {}) => {
      const made = document.createElement(name);
      if (text !== undefined) made.textContent = text;
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      return made;
    };
    const choice = (name, key, options) => {
      const label = element("label", name);
      const select = element("select");
      options.forEach(([value, text]) => select.append(element("option", text, { value })));
      select.value = state[key];
      select.addEventListener("change", () => { state[key] = key === "action" ? select.value : Number(select.value); draw(); });
      label.append(select);
      document.getElementById("choices").append(label);
    };
    choice("Action", "action", [...new Set(data.planes.map(p => p.action))].map(a => [a, a]));
    choice("Collection and class", "cell", data.cells.map((c, i) => [i, c]));
    choice("Purpose", "purpose", data.purposes.map((p, i) => [i, p]));
    for (const [shade, text] of [...Object.entries(shades), ["closed some", "it depends on the person"]]) {
      const item = element("li");
      item.append(element("span", "", { class: shade }), text);
      document.getElementById("legend").append(item);
    }
    const combination = (home, hop) => {
      const values = planes.get(state.action + " " + home);
      if (!values) return -1;
      if (values.length === data.hops.length) return values[hop];
      return values[(hop * data.cells.length + state.cell) * data.purposes.length + state.purpose];
    };
    const order = ["open", "masked", "closed", "forbidden"];
    function draw() {
      const table = element("table");
      const head = element("tr");
      head.append(element("td"));
      data.hops.forEach(hop => { const th = element("th", undefined, { scope: "col" }); th.append(element("div", hop)); head.append(th); });
      const thead = element("thead");
      thead.append(head);
      table.append(thead);
      const body = element("tbody");
      data.homes.forEach((home, h) => {
        const row = element("tr");
        row.append(element("th", home, { scope: "row", title: data.home_members[h].join(" ") }));
        data.hops.forEach((hop, k) => {
          const cell = element("td");
          const number = combination(h, k);
          if (number >= 0) {
            const found = data.combinations[number].map(e => data.outcomes[e.outcome].shade);
            const shade = order.find(s => found.includes(s));
            const some = new Set(found).size > 1;
            const button = element("button", "", {
              class: shade + (some ? " some" : ""), "aria-pressed": "false",
              "aria-label": home + " to " + hop + ": " + shades[shade] + (some ? ", depending on the person" : "")
            });
            button.addEventListener("click", () => {
              document.querySelectorAll("[aria-pressed=true]").forEach(b => b.setAttribute("aria-pressed", "false"));
              button.setAttribute("aria-pressed", "true");
              detail(home, hop, number);
            });
            cell.append(button);
          }
          row.append(cell);
        });
        body.append(row);
      });
      table.append(body);
      document.getElementById("grid").replaceChildren(table);
    }
    function detail(home, hop, number) {
      const aside = document.getElementById("detail");
      aside.replaceChildren(element("h2", home + " to " + hop));
      aside.append(element("p", [state.action, data.cells[state.cell], "for", data.purposes[state.purpose]].join(" ")));
      const list = element("dl");
      data.combinations[number].forEach(entry => {
        const outcome = data.outcomes[entry.outcome];
        list.append(element("dt", entry.condition || "everybody"), element("dd", outcome.text));
        if (outcome.rule) {
          const dd = element("dd");
          dd.append(element("code", outcome.rule.kind + " " + outcome.rule.id), " at ", element("code", outcome.rule.at));
          list.append(dd);
          if (outcome.rule.basis) list.append(element("dd", outcome.rule.basis));
        }
      });
      aside.append(list);
    }
    draw();

    """
}
