// Bundles the widget's front end into the Python package: one module and one stylesheet, which fetch nothing.
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { rspack } from '@rspack/core';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = fileURLToPath(new URL('../../tether_jupyter/widget/static', import.meta.url));

const compiler = rspack({
  mode: 'production',
  target: ['web', 'es2022'],
  context: here,
  entry: './index.ts',
  devtool: false,
  output: {
    path: out,
    filename: 'chat.js',
    module: true,
    chunkFormat: 'module',
    library: { type: 'module' }
  },
  resolve: {
    extensions: ['.ts', '.js'],
    modules: ['node_modules', ...(process.env.NODE_PATH ?? '').split(':').filter(Boolean)]
  },
  module: {
    rules: [
      {
        test: /\.ts$/,
        loader: 'builtin:swc-loader',
        options: { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } },
        type: 'javascript/auto'
      }
    ]
  },
  performance: { hints: 'error', maxAssetSize: 350_000, maxEntrypointSize: 350_000 }
});

await mkdir(out, { recursive: true });
await copyFile(`${here}/style.css`, `${out}/chat.css`);
await new Promise((done, fail) =>
  compiler.run((error, stats) => {
    const failed = error ?? (stats.hasErrors() ? new Error(stats.toString('errors-only')) : null);
    compiler.close(() => (failed ? fail(failed) : done()));
  })
);
