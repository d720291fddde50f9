import type { Recipe } from '../recipe.js';

/** llama.cpp as shared libraries. libggml is a library of its own since 2024; programs need both. */
export const LLAMA_CPP: Recipe = {
  name: 'llama.cpp',
  description: 'Inference of LLaMA-like models in C/C++ (libllama, libggml)',
  source: { git: 'https://github.com/ggml-org/llama.cpp' },
  prerequisites: [
    { commands: ['cmake'], minimumVersion: '3.14', hint: 'Install CMake (https://cmake.org/download)' },
    { commands: ['c++', 'g++', 'clang++', 'cl'], hint: 'Install a C++ compiler' },
  ],
  steps: [
    {
      name: 'configure',
      command: 'cmake',
      arguments: [
        '-S',
        '.',
        '-B',
        'build',
        '-DCMAKE_BUILD_TYPE=Release',
        '-DBUILD_SHARED_LIBS=ON',
        '-DLLAMA_CURL=OFF',
        '-DLLAMA_BUILD_TESTS=OFF',
        '-DLLAMA_BUILD_EXAMPLES=OFF',
        '-DLLAMA_BUILD_SERVER=OFF',
      ],
    },
    {
      name: 'compile',
      command: 'cmake',
      arguments: ['--build', 'build', '--config', 'Release', '--parallel', '{jobs}'],
    },
  ],
  artifacts: [
    {
      name: 'libllama',
      files: { linux: ['libllama.so'], darwin: ['libllama.dylib'], win32: ['llama.dll'] },
    },
    { name: 'libggml', files: { linux: ['libggml.so'], darwin: ['libggml.dylib'], win32: ['ggml.dll'] } },
  ],
  search: ['build/bin', 'build/lib', 'build/bin/Release', 'build', 'build/src', 'build/ggml/src', 'lib'],
  diskSpaceBytes: 1024 ** 3,
};
