/** Pages that are shown where the panel itself is not: without styles of their own, and dark where the browser is. */
function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
${body}
</html>
`
}

/** The page's script: everything that a stranger may load. */
export const ENTER_PATH = '/enter.js'

/**
 * After a code the cookie is set: the panel is opened in the place of the address that holds the code. Before one, the
 * page asks for itself once more: a browser that was sent here by another page has kept the cookie back, and sends it
 * where this page asks. A dock of OBS has no line for an address: the page takes it, or the code alone.
 */
export const ENTER_SCRIPT = `const open = () => location.replace('/' + (location.hash && '?' + location.hash))
if (document.title === 'mattebox') open()
else fetch('/', { method: 'HEAD', cache: 'no-store' }).then(({ ok }) => ok && open(), () => undefined)
document.forms[0]?.addEventListener('submit', (event) => {
  event.preventDefault()
  const given = document.getElementById('address').value.trim()
  location.replace('/?code=' + encodeURIComponent(given.split('code=').at(-1)))
})
`

const script = `<script src="${ENTER_PATH}" defer></script>`

/** Sets out to the panel. */
export const ENTERED = page('mattebox', `${script}</head>\n<body><p><a href="/">Open the panel</a></p></body>`)

/** For whoever is not known. */
export function strangerPage(wasCode: boolean): string {
  const why = wasCode
    ? '<p>This address has been used, or is older than ten minutes: each one lets one browser in, once.</p>'
    : '<p>This browser is not known to mattebox.</p>'
  return page(
    'mattebox: who is there?',
    `${script}</head>
<body>
<h1>mattebox</h1>
${why}
<p>In a terminal on the computer that runs mattebox, <code>mattebox start</code> prints an address that lets you in. It
does so also while mattebox runs (from a clone: <code>npx mattebox start</code>).</p>
<form>
<p><label for="address">In a dock of OBS, paste that address here:</label></p>
<p><input id="address" autocomplete="off" spellcheck="false"> <button>Enter</button></p>
</form>
</body>`,
  )
}

/** Where the panel's own page was not built. */
export const UNBUILT = page(
  'mattebox',
  `</head>
<body>
<h1>mattebox</h1>
<p>The panel’s page is not built. In the folder of mattebox: <code>npm run build</code>, then load this page again.</p>
</body>`,
)
