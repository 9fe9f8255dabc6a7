// Which rules of Tabler stay: those for words that stand in a template or script, and these, whose names are put together there.
const fs = require("node:fs");
const path = require("node:path");

const root = path.join(__dirname, "..");
const styles = path.join(root, "static", "css");
const ours = fs.readdirSync(styles).map((name) => fs.readFileSync(path.join(styles, name), "utf8"));

module.exports = {
  content: [`${root}/templates/**/*.html`, `${root}/static/js/*.js`],
  keyframes: true,
  variables: true,
  fontFace: true,
  safelist: {
    standard: [/^btn-(primary|danger|ghost|link|sm|lg|icon)$/, /^icon-(sm|lg)$/],
    // Our stylesheets speak of Tabler's variables too.
    variables: [...new Set(ours.join("\n").match(/--tblr-[\w-]+/g) ?? [])],
  },
};
