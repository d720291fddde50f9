import type { Recipe } from '../recipe.js';

/**
 * The part of setup_env.py that a toolchain needs: it writes include/bitnet-lut-kernels.h. Run as a script it would
 * also install packages with pip (which distributions refuse) and download a model of some gigabytes.
 */
const GENERATE_KERNELS = [
  'import argparse, os, setup_env',
  'os.makedirs("logs", exist_ok=True)',
  'setup_env.args = argparse.Namespace(hf_repo=None, model_dir="models/BitNet-b1.58-2B-4T", log_dir="logs",' +
    ' quant_type="i2_s", quant_embd=False, use_pretuned=False)',
  'setup_env.gen_code()',
].join('\n');

/** bitnet.cpp, which carries its own llama.cpp as a submodule. */
export const BITNET_CPP: Recipe = {
  name: 'bitnet.cpp',
  description: 'Inference of 1-bit models in C/C++ (libllama, libggml of its own llama.cpp)',
  source: { git: 'https://github.com/microsoft/BitNet' },
  prerequisites: [
    { commands: ['cmake'], minimumVersion: '3.22', hint: 'Install CMake (https://cmake.org/download)' },
    { commands: ['python3'], minimumVersion: '3.9', hint: 'Install Python 3.9 or newer' },
    { commands: ['clang++'], hint: 'Install clang; the kernels are written for it' },
  ],
  steps: [
    {
      name: 'generate kernels',
      command: 'python3',
      arguments: ['-c', GENERATE_KERNELS],
      env: { PYTHONDONTWRITEBYTECODE: '1' },
    },
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
        '-DBITNET_X86_TL2=OFF',
        '-DBITNET_ARM_TL1=OFF',
        '-DCMAKE_C_COMPILER=clang',
        '-DCMAKE_CXX_COMPILER=clang++',
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
  search: [
    'build/bin',
    'build/lib',
    'build/bin/Release',
    'build/3rdparty/llama.cpp/build/bin',
    'build/3rdparty/llama.cpp/src',
    'build/3rdparty/llama.cpp/ggml/src',
    'build',
    'lib',
  ],
  diskSpaceBytes: 2 * 1024 ** 3,
};
