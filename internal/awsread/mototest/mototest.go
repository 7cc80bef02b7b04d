// Package mototest runs moto, AWS as others simulate it, for a test.
package mototest

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
)

//go:embed moto_server.py
var script string

// Account is what moto was filled with, as the script tells it.
type Account struct {
	Endpoint string             `json:"endpoint"`
	Key      string             `json:"key"`
	Secret   string             `json:"secret"`
	Member   rootkeep.AccountID `json:"member"`
}

// Start runs moto until the test ends. top is the way to the top of the repository.
// Without Python the test is skipped.
func Start(t *testing.T, top string) Account {
	t.Helper()
	python, err := filepath.Abs(filepath.Join(top, ".venv/python/bin/python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	command := exec.Command(python, "-c", script) // of a script it keeps no bytecode here
	nowhere := filepath.Join(t.TempDir(), "none")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			command.Env = append(command.Env, v)
		}
	}
	command.Env = append(command.Env, "AWS_CONFIG_FILE="+nowhere, "AWS_SHARED_CREDENTIALS_FILE="+nowhere, "AWS_EC2_METADATA_DISABLED=true")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close() // which ends it
		command.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	var m Account
	if err == nil {
		err = json.Unmarshal(line, &m)
	}
	if err != nil {
		stdin.Close()
		command.Wait()
		t.Fatalf("moto: %v\n%s", err, stderr.Bytes())
	}
	return m
}
