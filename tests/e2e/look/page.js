// What a page of Grafana shows, as data; the words of 9 and 13 differ little.
// Evaluated as an expression in the page.
(() => {
  const clean = (text) => (text || '').replace(/\s+/g, ' ').trim();
  // A text is cut if it is wider than an element around it that hides what overflows.
  const isCut = (element) => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      const { left, right } = range.getBoundingClientRect();
      for (let one = texts.currentNode.parentElement; one; one = one === element ? null : one.parentElement) {
        const box = one.getBoundingClientRect();
        const hides = /hidden|clip|auto|scroll/.test(getComputedStyle(one).overflowX);
        if (hides && right > left && (right > box.right + 1 || left < box.left - 1)) return true;
      }
    }
    return false;
  };
  const cutTexts = (panel, selector) =>
    [...panel.querySelectorAll(selector)].filter(isCut).map((one) => clean(one.innerText));
  // A table whose columns do not fit scrolls to the side.
  const scrolls = (panel) =>
    [...panel.querySelectorAll('[role="table"], [role="grid"]')].some((table) =>
      [table, table.parentElement, ...table.querySelectorAll('*')].some(
        (one) =>
          /auto|scroll/.test(getComputedStyle(one).overflowX + getComputedStyle(one).overflow) &&
          one.clientWidth > 100 &&
          one.scrollWidth > one.clientWidth + 1
      )
    );
  const headers = [...document.querySelectorAll('.react-grid-item')];
  const panels = headers
    .filter((one) => one.querySelector('h2, h6'))
    .map((panel) => {
      const title = panel.querySelector('h2, h6');
      const error = panel.querySelector(
        '.panel-info-corner--error, [aria-label="Panel header error"], [data-testid*="Panel status error"], ' +
          '[aria-label*="Panel status"], [data-testid="data-testid Panel status"]'
      );
      const markdown = panel.querySelector('.markdown-html');
      const scroller = markdown && [markdown, ...ancestors(markdown, panel)].find((one) => one.scrollHeight > one.clientHeight + 2 && one.clientHeight > 20);
      return {
        title: clean(title.innerText),
        text: clean(panel.innerText).slice(0, 600),
        // The service graph is laid out in the background.
        busy:
          !!panel.querySelector('.panel-loading, [aria-label="Panel loading bar"]') ||
          /Computing layout|Loading/.test(panel.innerText),
        titleCut: isCut(title),
        error: !!error || /An unexpected error happened|Failed to load|Error loading|Query error/.test(panel.innerText),
        cells: cutTexts(panel, '[role="columnheader"], [role="cell"], [role="gridcell"]'),
        scrolls: scrolls(panel),
        tooTall: !!scroller,
      };
    });
  function ancestors(element, until) {
    const found = [];
    for (let one = element.parentElement; one && one !== until; one = one.parentElement) found.push(one);
    return found;
  }
  const links = [...document.querySelectorAll('a[href]')].map((one) => ({
    href: one.getAttribute('href'),
    panel: clean(one.closest('.react-grid-item')?.querySelector('h2, h6')?.innerText),
  }));
  // Links that were dropped by the sanitizer of texts.
  const dead = [...document.querySelectorAll('.markdown-html a')]
    .filter((one) => !one.getAttribute('href'))
    .map((one) => clean(one.innerText));
  const alerts = [...document.querySelectorAll('[data-testid*="Alert error"], [aria-label="Alert error"]')]
    .map((one) => clean(one.innerText));
  const bottom = Math.max(0, ...headers.map((one) => one.getBoundingClientRect().bottom));
  const busy = panels.some((one) => one.busy);
  return { panels, busy, links, dead, alerts, bottom };
})()
