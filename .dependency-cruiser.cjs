/** Who may import whom: the arrows of the architecture. Each rule says where the code belongs instead. */
const external = '(^|/)node_modules/'
const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: `^src/${from}/` },
  to: { path: '^src/', pathNot: [`^src/${from}/`, ...allowed.map((folder) => `^src/${folder}/`)] },
})

module.exports = {
  forbidden: [
    only('errors-stand-alone', 'errors', [], 'Errors serve everyone: they import nothing of ours.'),
    only('settings-stand-alone', 'settings', [], 'The schema serves everyone: it imports nothing of ours.'),
    only('model-stays-pure', 'model', ['errors'], 'The network knows only its errors: let the caller pass things in.'),
    only(
      'inference-runs-the-model',
      'sidecar/inference',
      ['model', 'sidecar/contract', 'errors', 'settings'],
      'Inference runs the model and knows neither files nor panel: the caller is the place for both.',
    ),
    only(
      'video-uses-the-engine',
      'video',
      ['model', 'sidecar/inference', 'errors', 'settings'],
      'Video files use the engine and nothing of the sidecar’s other halves.',
    ),
    {
      ...only(
        'contract-is-types',
        'sidecar/contract',
        ['errors', 'settings'],
        'What the two processes say to each other is types, of the channel’s messages and the settings.',
      ),
      to: {
        path: '^src/',
        pathNot: ['^src/sidecar/contract/', '^src/errors/', '^src/settings/', '^src/sidecar/inference/channel/index'],
      },
    },
    only(
      'main-starts-processes',
      'sidecar/main',
      ['sidecar/contract', 'api', 'errors', 'settings'],
      'The main process runs no inference code: it starts a process that does, and talks to it.',
    ),
    only(
      'api-is-data',
      'api',
      ['errors', 'settings'],
      'What the API takes and answers, for the panel server, the page and scripts: data, checked, without behaviour.',
    ),
    only(
      'download-stands-alone',
      'download',
      ['errors', 'settings'],
      'Fetching a file knows nothing of what it is for.',
    ),
    only(
      'models-are-files',
      'models',
      ['model', 'download', 'errors', 'settings'],
      'Where models lie and how they get there: nothing is run here.',
    ),
    only(
      'providers-are-files',
      'providers',
      ['download', 'models', 'errors', 'settings'],
      'Where a provider’s libraries lie and how they get there: nothing is run here.',
    ),
    only(
      'panel-serves',
      'sidecar/panel',
      ['sidecar/main', 'sidecar/contract', 'api', 'models', 'obs', 'errors', 'settings'],
      'The panel server shows and changes what the main process and OBS have: it runs no network.',
    ),
    {
      ...only('page-only-draws', 'ui', ['errors', 'settings', 'api'], 'The page draws what the API says.'),
      to: {
        path: '^src/',
        // The size of the network's picture is one function, everywhere the same.
        pathNot: [
          '^src/ui/',
          '^src/errors/',
          '^src/settings/',
          '^src/api/',
          '^src/model/(low-resolution|architecture)',
        ],
      },
    },
    only(
      'obs-from-outside',
      'obs',
      ['errors', 'settings', 'api'],
      'OBS is looked at from outside: it knows nothing of the sidecar.',
    ),
    only(
      'service-stands-alone',
      'service',
      ['errors', 'settings'],
      'A unit of systemd knows paths and words only: let the command pass them in.',
    ),
    only(
      'library-offers-the-engine',
      'library',
      ['model', 'models', 'sidecar/inference', 'video', 'errors', 'settings'],
      'What other programs import is the engine and the video files: the sidecar’s other halves are programs.',
    ),
    {
      name: 'nobody-imports-cli',
      severity: 'error',
      comment: 'Commands are the outermost edge: what others need moves inward.',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'model-reads-no-disk',
      severity: 'error',
      comment: 'The network must build without a disk, a GPU or OBS: only src/model/weights reads files.',
      from: { path: '^src/model/', pathNot: '^src/model/weights/' },
      to: { path: '^(node:)?(fs|net|child_process|worker_threads|http|os)(/|$)|onnxruntime' },
    },
    {
      name: 'onnxruntime-only-in-inference',
      severity: 'error',
      comment: 'One place creates sessions: src/sidecar/inference.',
      from: { path: '^src/', pathNot: '^src/sidecar/inference/' },
      to: { path: 'onnxruntime' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'Two files that need each other are one idea, or a third one is missing.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Dead code is deleted.',
      from: { orphan: true, pathNot: '\\.(bench|d)\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: external },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
}
