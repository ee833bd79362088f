# Compiler warnings and sanitizers for everything we write, and helpers to make drop-in libraries.

option(CRICKET_WERROR "Treat compiler warnings as errors" ON)
option(CRICKET_FUZZ "Instrument for libFuzzer and make its targets (clang; see scripts/fuzz)" OFF)
set(CRICKET_SANITIZE "" CACHE STRING "Sanitizers for our own code, e.g. address,undefined or thread")

find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(Threads REQUIRED)

add_compile_options($<$<COMPILE_LANGUAGE:C>:-Wall> $<$<COMPILE_LANGUAGE:C>:-Wextra>
                    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>)
if(CRICKET_WERROR)
  add_compile_options($<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()
if(CRICKET_SANITIZE)
  add_compile_options(-fsanitize=${CRICKET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CRICKET_SANITIZE})
  if(CRICKET_SANITIZE MATCHES "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan) # fences, which it does not follow: they order the memory of kernels alone
  endif()
endif()
if(CRICKET_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
# A shared library of ours must resolve every symbol at link time (not so with sanitizers, whose runtime
# is in the executable).
if(NOT CRICKET_SANITIZE)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>:-Wl,-z,defs>)
endif()

set(CRICKET_EXPORTS ${CMAKE_SOURCE_DIR}/cmake/exports.py)

# cricket_drop_in(TARGET LIST HEADER [NODE]): makes the shared library TARGET export exactly the symbols of
# LIST (in version NODE); those it does not define become stubs made with HEADER's CRICKET_UNSUPPORTED.
function(cricket_drop_in target list header)
  set(stubs ${CMAKE_CURRENT_BINARY_DIR}/${target}_stubs.c)
  set(map ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
  add_custom_command(OUTPUT ${stubs} ${map}
    COMMAND ${Python3_EXECUTABLE} ${CRICKET_EXPORTS} stubs ${list} ${header} > ${stubs}
    COMMAND ${Python3_EXECUTABLE} ${CRICKET_EXPORTS} map ${list} ${ARGN} > ${map}
    DEPENDS ${CRICKET_EXPORTS} ${list} VERBATIM)
  target_sources(${target} PRIVATE ${stubs})
  # The stubs have no prototypes that would agree with CUDA's headers, by design.
  set_source_files_properties(${stubs} PROPERTIES COMPILE_OPTIONS "$<$<C_COMPILER_ID:GNU>:-Wno-builtin-declaration-mismatch>")
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map})
  target_link_options(${target} PRIVATE -Wl,--version-script=${map} -Wl,-Bsymbolic)
endfunction()
