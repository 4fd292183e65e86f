{
  # For node-gyp; `npm run build:native` compiles the same files without it (native/addon/build.mjs).
  'targets': [
    {
      'target_name': 'mattebox',
      'sources': [
        'native/channel/half.c',
        'native/channel/layout.c',
        'native/channel/memory.c',
        'native/channel/platform_linux.c',
        'native/channel/ring.c',
        'native/addon/addon.cc',
        'native/addon/channel.cc',
        'native/addon/environment.cc',
        'native/addon/errors.cc',
        'native/addon/server.cc',
        'native/addon/socket.cc',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=8',
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags': ['-O3', '-fvisibility=hidden', '-Wall', '-Wextra'],
      'cflags_c': ['-std=c11', '-D_GNU_SOURCE'],
      'cflags_cc': ['-std=c++17', '-fno-exceptions'],
    },
  ],
}
