# rexec_flags: warnings, hardening and sanitizers of everything that runs on the host.
# rexec_warnings: the warnings alone, for the runner, which has flags of its own.
add_library(rexec_warnings INTERFACE)
target_compile_options(rexec_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # GCC 12 reports overlapping copies in the standard library's own operator+ (GCC bug 105651); where that comes from a
  # precompiled header, oversized ones as well.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${REXEC_PRECOMPILE}>>:-Wno-array-bounds;-Wno-stringop-overflow>
  $<$<BOOL:${REXEC_WERROR}>:-Werror>)
target_include_directories(rexec_warnings INTERFACE ${PROJECT_SOURCE_DIR})

add_library(rexec_flags INTERFACE)
target_link_libraries(rexec_flags INTERFACE rexec_warnings Threads::Threads)
target_compile_options(rexec_flags INTERFACE -pthread)  # everywhere alike, or precompiled headers do not fit
if(REXEC_SANITIZE)
  target_compile_options(rexec_flags INTERFACE -fsanitize=${REXEC_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all -O1)
  target_link_options(rexec_flags INTERFACE -fsanitize=${REXEC_SANITIZE})
  target_compile_definitions(rexec_flags INTERFACE REXEC_SANITIZED=1)
else()
  target_compile_options(rexec_flags INTERFACE
    $<$<CONFIG:Release>:-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>
    -ffunction-sections -fdata-sections)
  target_link_options(rexec_flags INTERFACE -Wl,-z,relro,-z,now,--gc-sections,--as-needed)
endif()
if(REXEC_FUZZ)
  target_compile_options(rexec_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# rexec_precompiled: headers that most sources include and that take longer to read than the source itself.
# Sources include what they use all the same: the preset tidy does without.
set(REXEC_PRECOMPILED_HEADERS
  <algorithm> <chrono> <functional> <map> <memory> <nlohmann/json.hpp> <optional> <string> <thread> <vector>)

# rexec_precompiles(NAME LINK HEADERS...): a set of headers, with the flags of LINK, for rexec_use_precompiled().
function(rexec_precompiles name link)
  if(REXEC_PRECOMPILE)
    file(WRITE ${CMAKE_BINARY_DIR}/${name}.cc "")
    add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cc)
    target_link_libraries(${name} PRIVATE ${link} nlohmann_json::nlohmann_json)
    target_precompile_headers(${name} PRIVATE ${ARGN})
  endif()
endfunction()

function(rexec_use_precompiled target name)
  if(REXEC_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

rexec_precompiles(rexec_precompiled rexec_flags ${REXEC_PRECOMPILED_HEADERS})

# Unity builds: a few sources of a target in one translation unit, which costs a fraction of the time because the headers
# are read and their templates instantiated once. A build without it shows that every source includes what it uses.
function(rexec_use_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${REXEC_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# rexec_layer(NAME [PRECOMPILED] SOURCES... LINKS...): a static library of one layer.
function(rexec_layer name)
  cmake_parse_arguments(arg "PRECOMPILED" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC rexec_flags ${arg_LINKS} PRIVATE ${arg_PRIVATE_LINKS})
  if(arg_PRECOMPILED)
    rexec_use_precompiled(${name} rexec_precompiled)
    rexec_use_unity(${name})
  endif()
endfunction()
