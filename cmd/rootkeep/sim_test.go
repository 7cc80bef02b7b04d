package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// A simulation answers at the endpoint that it prints, and ends without an error when
// it is interrupted.
func TestSimServesUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, in := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"sim", "--listen", "127.0.0.1:0", "--accounts", "3", "--output", "json"}, strings.NewReader(""), in, &errs)
		in.Close()
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, errs.Bytes())
	}
	var sim struct {
		Schema, Endpoint string
		Administrators   []struct{ Name string }
	}
	if err := json.Unmarshal(line, &sim); err != nil {
		t.Fatal(err)
	}
	if sim.Schema != "rootkeep/sim/1" || len(sim.Administrators) != 3 || sim.Administrators[0].Name != "management" {
		t.Errorf("got %s", line)
	}
	answer, err := http.PostForm(sim.Endpoint, map[string][]string{"Action": {"ListUsers"}})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a request that nobody signed: got %s, want 403", answer.Status)
	}
	interrupt()
	if got := <-code; got != cli.ExitOK || errs.Len() > 0 {
		t.Errorf("exit code: got %d with %q, want 0", got, errs.Bytes())
	}
}
