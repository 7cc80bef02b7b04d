package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test program a process that says its name and waits.
func TestMain(m *testing.M) {
	if os.Getenv("ROOTKEEP_TEST_NAME") == "" {
		os.Exit(m.Run())
	}
	fmt.Println(Name(time.Now()))
	fmt.Scanln() // until it is killed
}

// named starts a process and gives its name.
func named(t *testing.T) (*exec.Cmd, string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "ROOTKEEP_TEST_NAME=1")
	if _, err := c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may be dead
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c, strings.TrimSpace(line)
}

func TestAProcessThatWasKilledIsGone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which process is gone")
	}
	c, name := named(t)
	if Gone(name) {
		t.Errorf("%s runs, and is said to be gone", name)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Until somebody waits for it, the kernel still has its ID.
	for begun := time.Now(); !Gone(name); time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("%s was killed, and is not said to be gone", name)
		}
	}
	_ = c.Wait() // it was killed
	if !Gone(name) {
		t.Errorf("%s has ended, and is not said to be gone", name)
	}
}

func TestWhatCannotBeKnownIsNotGone(t *testing.T) {
	own := Name(time.Now())
	host, rest, _ := strings.Cut(own, "/")
	for name, of := range map[string]string{
		"this process":                own,
		"nothing":                     "",
		"a server of another version": host + "/1/1795807331776000000",
		"another machine":             host + "/4194303/0011223344556677.1234.5",
		"no process ID":               host + "/0/0011223344556677.1234.5",
		"more than a name":            own + "/1",
		"a text that somebody made":   "////" + rest,
	} {
		if Gone(of) {
			t.Errorf("%s: %q is said to be gone", name, of)
		}
	}
}

func TestAnIDThatAnotherProcessHasByNowIsNoSign(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells which process is gone")
	}
	own := strings.Split(Name(time.Now()), ".")
	own[1] = "1" // what this process's ID stood for at an earlier time
	if of := strings.Join(own, "."); !Gone(of) {
		t.Errorf("%q is not said to be gone", of)
	}
}

func TestNamesOfOneProcessDiffer(t *testing.T) {
	if a, b := Name(time.Unix(1, 0)), Name(time.Unix(2, 0)); a == b || strings.Count(a, "/") != 2 {
		t.Errorf("got %q and %q, want two names", a, b)
	}
}

func TestShort(t *testing.T) {
	for name, want := range map[string]string{"host/12/k.3.4": "host/12", "host/12/4": "host/12", "host/12": "host/12", "host": "host", "": ""} {
		if got := Short(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
