# rexec_embed(TARGET NAME SYMBOL FILE): a static library with the bytes of FILE between rexec_SYMBOL_begin and
# rexec_SYMBOL_end. FILE may be a build product.
function(rexec_embed target symbol file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}.cc)
  file(WRITE ${source}.in
"__asm__(\".section .rodata\\n.balign 64\\n.global rexec_${symbol}_begin\\nrexec_${symbol}_begin:\\n.incbin \\\"${file}\\\"\\n\"
        \".global rexec_${symbol}_end\\nrexec_${symbol}_end:\\n.byte 0\\n.previous\\n\");\n")
  configure_file(${source}.in ${source} COPYONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  add_library(${target} STATIC ${source})
endfunction()
