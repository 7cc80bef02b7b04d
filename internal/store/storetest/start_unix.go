//go:build unix

package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// script makes a server in folder $1 with the programs of folder $2 and the settings $3,
// and keeps it until its input ends, which it does when the test program is gone, however
// that ended.
const script = `
trap 'rm -rf "$1"' EXIT
"$2/initdb" -D "$1/data" -U rootkeep -A trust -E UTF8 --no-locale --no-sync >"$1/log" 2>&1 &&
"$2/pg_ctl" -D "$1/data" -l "$1/log" -w -t 300 -o "-c listen_addresses= -c unix_socket_directories='$1' -c max_connections=200 $3" start >>"$1/log" 2>&1 ||
{ tail -n 3 "$1/log" | tr '\n' ' '; exit 1; }
echo ready
read -r _
"$2/pg_ctl" -D "$1/data" -m immediate -w stop >/dev/null 2>&1
`

// start starts a server that takes no connection but over its socket.
func start(parent, settings string) (*Server, error) {
	programs, err := programs()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(parent, "pg") // short: a socket's path has at most 107 bytes
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", "-c", script, "sh", folder, programs, settings)
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt at the terminal is not for it
	if os.Geteuid() == 0 {
		if cmd.SysProcAttr.Credential, err = unprivileged(folder); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
	}
	in, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, say, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdin, cmd.Stdout = in, say
	err = cmd.Start()
	in.Close()
	say.Close()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || said != "ready\n" {
		return nil, fmt.Errorf("the server did not start: %s", strings.TrimSpace(said))
	}
	return &Server{folder, hold, cmd.Wait}, nil
}

// programs finds the folder of initdb, pg_ctl and postgres: Debian keeps them out of the
// path, a folder for each version.
func programs() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append([]string{filepath.Dir(path)}, folders...)
	}
	for _, folder := range folders {
		if executable(folder, "initdb") && executable(folder, "pg_ctl") && executable(folder, "postgres") {
			return folder, nil
		}
	}
	return "", errors.New("no initdb, pg_ctl and postgres in the path or below /usr/lib/postgresql; on Debian: the package postgresql")
}

func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))) // 0 comes last
	return n
}

func executable(folder, name string) bool {
	_, err := exec.LookPath(filepath.Join(folder, name))
	return err == nil
}

// unprivileged gives the folder to a user who is not root: PostgreSQL refuses to run as
// root.
func unprivileged(folder string) (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
