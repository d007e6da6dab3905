// Ordinary development in a local sandbox.
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::LocalBox;

bool on_host(const std::string& program) {
  for (const char* directory : {"/usr/bin/", "/bin/", "/usr/local/bin/"})
    if (access((directory + program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

TEST_CASE("the tools of development work in a local sandbox", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  struct Tool {
    const char* program;
    const char* command;
    const char* output;  // part of it
  };
  const Tool tools[] = {
      {"bash", "bash -c 'diff <(echo a) <(echo a) && echo same'", "same"},
      {"bash", "bash -lc 'echo $PATH'", "/usr/bin"},
      {"perl", "perl -e 'print \"perl \", 6*7'", "perl 42"},
      {"python3", "python3 -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1, -2]))'", "[1, 2]"},
      {"python3", "python3 -c 'import ssl, sqlite3, ctypes; print(ssl.OPENSSL_VERSION)'", "OpenSSL"},
      {"python3",
       "python3 -m venv --without-pip env && . env/bin/activate && python -c 'import sys; print(sys.prefix)'",
       "/home/user/env"},
      {"gcc", "echo 'int main(){return 7;}' >a.c && gcc -O1 -g a.c -o a; ./a; echo status $?", "status 7"},
      {"g++",
       "printf '#include <thread>\\n#include <cstdio>\\nint "
       "main(){std::thread([]{puts(\"thread\");}).join();}' >t.cc && "
       "g++ -pthread t.cc -o t && ./t",
       "thread"},
      {"make", "printf 'all:\\n\\t@echo made\\n' >Makefile && make -j2", "made"},
      {"git",
       "git init -q r && cd r && git config user.email a@b && git config user.name n && echo x >f && git add "
       "f && "
       "git commit -qm first && git log --oneline",
       "first"},
      {"node", "node -e 'console.log([1,2].map(x => x * 2).join())'", "2,4"},
      {"node", "node -e 'new (require(\"worker_threads\").Worker)(\"console.log(5)\", {eval: true})'", "5"},
      {"tmux",
       "tmux -f /dev/null new-session -d 'echo pane >~/pane; sleep 100' && for i in $(seq 100); do test -s "
       "~/pane && "
       "break; sleep 0.05; done; cat ~/pane; tmux kill-server",
       "pane"},
      {"script", "script -qec 'tty; stty size' /dev/null </dev/null", "/dev/pts/"},
      {"gdb",
       "gcc -g -x c - -o d <<<'int main(){return 3;}' && gdb -batch -ex 'break main' -ex run -ex bt ./d 2>&1",
       "main ()"},
      {"strace", "strace -f -e trace=execve true 2>&1", "execve("},
      {"locale", "locale; python3 -c 'print(\"\\u00e4\\u20ac\")'", "ä€"},
      {"getent", "getent passwd user; getent passwd $(id -u)", "user:x:1000:1000:user:/home/user:/bin/bash"},
      {"ps", "ps -ef", "runner"},
      {"df", "df -h /tmp /home/user", "/home/user"},
      {"xz", "echo text | xz | xz -d; echo text | gzip | gzip -d; tar c /etc/passwd 2>/dev/null | tar t",
       "etc/passwd"},
      {"java",
       "echo 'class A{public static void main(String[] a){System.out.println(6*7);}}' >A.java && java A.java",
       "42"},
      {"sh", "cat >/dev/shm/x <<<shared && cat /dev/shm/x", "shared"},
      {"sh", "cat /etc/os-release", "NAME="},
      {"sh", "ls -ld /tmp /var/tmp/ | cut -c1-10", "drwxrwxrwt"},
      {"sh", "echo $HOME $USER $LOGNAME $TERM $LC_CTYPE; pwd",
       "/home/user user user dumb C.UTF-8\n/home/user"},
      {"sh", "locale charmap; printf 'é\\nz\\nB\\n' | sort", "UTF-8\nB\nz\né"},
      {"sh",
       "mkdir -p ~/.local/bin && printf '#!/bin/sh\\necho own' >~/.local/bin/tool && chmod +x "
       "~/.local/bin/tool && "
       "tool",
       "own"},
  };
  LocalBox box;
  REQUIRE(box.ok());
  for (const Tool& tool : tools) {
    if (!on_host(tool.program)) continue;
    const test::Ran ran = box.run(tool.command);
    CAPTURE(tool.command, ran.exit_code, ran.out, ran.err, ran.error);
    CHECK(ran.exit_code == 0);
    CHECK_THAT(ran.out, test::ContainsSubstring(tool.output));
  }
}

}  // namespace rexec::sandbox
