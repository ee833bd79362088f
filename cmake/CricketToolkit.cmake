# The CUDA 13 toolkit: its headers (always needed) and nvcc (for samples and tests). Looked for in
# CUDA_HOME (cache variable or environment), beside nvcc in PATH, then in /usr/local/cuda.

set(CUDA_HOME "$ENV{CUDA_HOME}" CACHE PATH "Root of the CUDA 13 toolkit (the folder with bin/nvcc and include/cuda.h)")
find_program(CRICKET_NVCC nvcc HINTS ${CUDA_HOME}/bin PATHS /usr/local/cuda/bin /usr/local/cuda-13.0/bin)
if(CRICKET_NVCC)
  get_filename_component(nvcc_real ${CRICKET_NVCC} REALPATH)
  get_filename_component(nvcc_bin ${nvcc_real} DIRECTORY)
  get_filename_component(nvcc_root ${nvcc_bin} DIRECTORY)
endif()
find_path(CRICKET_CUDA_INCLUDE cuda.h HINTS ${CUDA_HOME}/include ${nvcc_root}/include PATHS /usr/local/cuda/include)
if(NOT CRICKET_NVCC OR NOT CRICKET_CUDA_INCLUDE)
  message(FATAL_ERROR "The CUDA 13 toolkit (nvcc and cuda.h) was not found. Install it "
    "(https://developer.nvidia.com/cuda-downloads) or name its folder: CUDA_HOME=/path/to/cuda")
endif()
file(STRINGS ${CRICKET_CUDA_INCLUDE}/cuda.h cuda_version_line REGEX "^#define CUDA_VERSION [0-9]+")
string(REGEX MATCH "[0-9]+$" CRICKET_CUDA_VERSION "${cuda_version_line}")
if(CRICKET_CUDA_VERSION LESS 13000 OR CRICKET_CUDA_VERSION GREATER_EQUAL 14000)
  message(FATAL_ERROR "The CUDA toolkit in ${CRICKET_CUDA_INCLUDE} is version ${CRICKET_CUDA_VERSION}; Cricket "
    "needs CUDA 13 (13000 to 13999). Name another with CUDA_HOME=/path/to/cuda-13")
endif()
add_library(cuda_headers INTERFACE)
target_include_directories(cuda_headers SYSTEM INTERFACE ${CRICKET_CUDA_INCLUDE})
