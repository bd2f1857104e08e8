import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', '.yarn/', 'style/index.js'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      // A plug-in's command ids are a namespace in every JupyterLab code base.
      '@typescript-eslint/no-namespace': 'off',
      // Lab's interfaces begin with I, also where they are empty or extend one.
      '@typescript-eslint/no-empty-object-type': 'off',
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['error'] }]
    }
  }
);
