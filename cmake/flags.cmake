# rexec_flags: warnings, hardening and sanitizers of everything that runs on the host.
# rexec_warnings: the warnings alone, for the runner, which has flags of its own.
add_library(rexec_warnings INTERFACE)
target_compile_options(rexec_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # GCC 12 reports overlapping copies in the standard library's own operator+ (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${REXEC_WERROR}>:-Werror>)
target_include_directories(rexec_warnings INTERFACE ${PROJECT_SOURCE_DIR})

add_library(rexec_flags INTERFACE)
target_link_libraries(rexec_flags INTERFACE rexec_warnings Threads::Threads)
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

# rexec_layer(NAME SOURCES... LINKS...): a static library of one layer.
function(rexec_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC rexec_flags ${arg_LINKS} PRIVATE ${arg_PRIVATE_LINKS})
endfunction()
