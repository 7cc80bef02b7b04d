package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rootkeep/rootkeep/content"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"rootkeep": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gzip": gzipFile, "head": headFile, "zip": zipFiles, "events": eventFile, "line": longLine, "bomb": bombFile,
			"exitcode": exitCode,
		},
	})
}

// exitcode CODE ARGS... runs rootkeep and wants that exit code.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("rootkeep", args[1:]...)
	got := 0
	if err != nil {
		var status interface{ ExitCode() int }
		if s, ok := err.(interface{ ExitCode() int }); ok {
			status = s
		} else {
			ts.Fatalf("rootkeep did not run: %v", err)
		}
		got = status.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}

// gzip FILE... compresses files in place, adding .gz.
func gzipFile(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := io.WriteString(z, ts.ReadFile(name))
		ts.Check(err)
		ts.Check(z.Close())
		ts.Check(os.WriteFile(ts.MkAbs(name+".gz"), b.Bytes(), 0o644))
		ts.Check(os.Remove(ts.MkAbs(name)))
	}
}

// head BYTES FILE cuts a file.
func headFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[1]), n))
}

// zip ZIP FILE... packs files.
func zipFiles(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range args[1:] {
		w, err := z.Create(name)
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(z.Close())
}

// events FILE BASE... writes base events as {"Records":[...]}.
func eventFile(ts *testscript.TestScript, _ bool, args []string) {
	var records []string
	for i, base := range args[1:] {
		text, err := content.Files.ReadFile("events/" + base + ".json")
		ts.Check(err)
		head, _, ok := strings.Cut(string(text), `"eventID": "`)
		if !ok {
			ts.Fatalf("base event %s: no eventID", base)
		}
		tail := string(text)[len(head)+len(`"eventID": "`):]
		_, tail, _ = strings.Cut(tail, `"`)
		records = append(records, fmt.Sprintf(`%s"eventID": "00000000-0000-4000-8000-%012d"%s`, head, i+1, tail))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), 0o644))
}

// line MEGABYTES FILE appends a record with one string of that size, and closes
// the list.
func longLine(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := strings.TrimSuffix(ts.ReadFile(args[1]), "]}")
	text += `,{"eventName":"` + strings.Repeat("x", n<<20) + `"}]}`
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// bomb ZIP MEGABYTES writes a zip whose only entry inflates to that size.
func bombFile(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.Create("log.json")
	ts.Check(err)
	megabyte := bytes.Repeat([]byte(" "), 1<<20)
	for range n {
		_, err := w.Write(megabyte)
		ts.Check(err)
	}
	ts.Check(z.Close())
}
