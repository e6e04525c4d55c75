"""Opens pages and drawings in headless Chromium: check_page.py CHROMIUM FILE...

At 1280 and at 400 pixels: nothing may be written to the console, no two texts may overlap, no text may be cut off by what
it lies in, and the page itself may not scroll sideways.
"""

import html
import json
import re
import subprocess
import sys
import tempfile

CHECK = r"""
<script>
const slanted = (element) => {
  const match = /translate\(([-\d.]+),([-\d.]+)\) rotate\(60\)/.exec(element.getAttribute("transform") || "");
  return match && { x: Number(match[1]), y: Number(match[2]), angle: Math.PI / 3 };
};
window.checkPage = () => {
  const problems = [];
  for (const details of document.querySelectorAll("details")) details.open = true;
  const walker = document.createTreeWalker(document.body || document.documentElement, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, style, title")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width > 0.5 && rect.height > 0.5) texts.push({ rect, parent, text: node.data.trim().slice(0, 40) });
    }
  }
  if (texts.length === 0) problems.push("there is no text");
  texts.sort((a, b) => a.rect.top - b.rect.top);
  for (let i = 0; i < texts.length; i++) {
    const a = texts[i].rect;
    for (let j = i + 1; j < texts.length && texts[j].rect.top < a.bottom - 2; j++) {
      const b = texts[j].rect;
      if (texts[i].parent === texts[j].parent && texts[i].text === texts[j].text) continue;
      const lines = [texts[i].parent, texts[j].parent].map(slanted);
      if (lines[0] && lines[1]) {
        // Parallel lines: what counts is how far they lie apart, not the boxes around them.
        const [dx, dy] = [lines[1].x - lines[0].x, lines[1].y - lines[0].y];
        if (Math.abs(dx * Math.sin(lines[0].angle) - dy * Math.cos(lines[0].angle)) < 9)
          problems.push(`overlap: "${texts[i].text}" and "${texts[j].text}"`);
        continue;
      }
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - b.top > 3)
        problems.push(`overlap: "${texts[i].text}" and "${texts[j].text}"`);
    }
  }
  for (const { rect, parent, text } of texts) {
    for (let box = parent; box; box = box.parentElement) {
      const frame = box.getBoundingClientRect();
      if (box.tagName === "svg" &&
          (rect.left < frame.left - 1 || rect.right > frame.right + 1 || rect.top < frame.top - 1 || rect.bottom > frame.bottom + 1))
        problems.push(`cut off by the drawing: "${text}"`);
      if (getComputedStyle(box).overflowX !== "visible" && box.tagName !== "svg" && box !== document.documentElement) {
        const right = rect.right - frame.left + box.scrollLeft;
        if (right > Math.max(box.scrollWidth, box.clientWidth) + 1 || rect.left - frame.left + box.scrollLeft < -1)
          problems.push(`cut off: "${text}"`);
        break;
      }
    }
  }
  const page = document.documentElement;
  if (page.scrollWidth > window.innerWidth + 1) problems.push(`the page is ${page.scrollWidth} pixels wide of ${window.innerWidth}`);
  // Sorting must keep all rows, and turn around when it is asked for twice.
  for (const table of document.querySelectorAll("table.sortable")) {
    const count = table.tBodies[0].rows.length;
    for (const button of table.tHead.querySelectorAll("button")) { button.click(); button.click(); }
    if (table.tBodies[0].rows.length !== count) problems.push("sorting loses rows");
    if (count > 0 && !table.tHead.querySelector("[aria-sort]")) problems.push("a table does not sort");
  }
  return problems;
};
</script>
"""


def check(chromium, path, width):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    if path.endswith(".svg"):
        # Drawings of a fixed width scroll in their reader.
        page = f"<body style='margin:0'><div style='overflow-x:auto'>{page}</div></body>"
    source = html.escape(page + CHECK, quote=True)
    wrapper = f"""<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">
<iframe id="page" width="{width}" height="3000" style="border:0" srcdoc="{source}"></iframe><pre id="result"></pre>
<script>
document.getElementById("page").addEventListener("load", (event) => {{
  const problems = event.target.contentWindow.checkPage();
  document.getElementById("result").textContent = "RESULT " + JSON.stringify(problems) + " END";
}});
</script>"""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/wrapper.html", "w", encoding="utf-8") as file:
            file.write(wrapper)
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
            f"--user-data-dir={folder}/profile", f"--window-size={max(width, 800) + 100},3200", "--virtual-time-budget=10000",
            "--dump-dom", f"file://{folder}/wrapper.html",
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.findall(r'id="result">RESULT (.*?) END', result.stdout, re.DOTALL)
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    if not found:
        return ["the page did not load: " + result.stderr[-500:]]
    return console + json.loads(html.unescape(found[0]))


def main():
    chromium, *paths = sys.argv[1:]
    failed = False
    for path in paths:
        for width in (1280, 400):
            for problem in check(chromium, path, width)[:20]:
                print(f"{path} at {width}: {problem}")
                failed = True
    if not failed:
        print(f"{len(paths)} pages: nothing overlaps, is cut off or complains, at 1280 and 400 pixels")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
