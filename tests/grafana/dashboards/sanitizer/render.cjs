// Reads a JSON list of Markdown texts and writes the list of what Grafana shows for each.
globalThis.navigator ??= { language: 'en-US', languages: ['en-US'] };
const path = require('node:path');
const data = require(require.resolve('@grafana/data', { paths: [path.resolve(process.argv[2])] }));
const texts = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(texts.map((text) => data.renderTextPanelMarkdown(text))));
