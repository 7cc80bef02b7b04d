package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
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
			"exitcode": exitCode, "chain": writeChain, "log": changedLog, "geoip": countryDatabase,
			"ledger": ledgerStore, "flip": flipByte, "tessera": tesseraCheck, "anchorsfile": anchorsFile,
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
	files := map[string][]byte{}
	for _, name := range args[1:] {
		files[name] = []byte(ts.ReadFile(name))
	}
	ts.Check(zipFile(ts.MkAbs(args[0]), files))
}

func zipFile(path string, files map[string][]byte) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// events FILE BASE... writes base events as {"Records":[...]}.
func eventFile(ts *testscript.TestScript, _ bool, args []string) {
	text, err := logOf(args[1:]...)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o644))
}

// logOf is a log file of base events, each with an event ID of its own.
func logOf(bases ...string) ([]byte, error) {
	var records []string
	for i, base := range bases {
		text, err := content.Files.ReadFile("events/" + base + ".json")
		if err != nil {
			return nil, err
		}
		head, tail, ok := strings.Cut(string(text), `"eventID": "`)
		if !ok {
			return nil, fmt.Errorf("base event %s: no eventID", base)
		}
		_, tail, _ = strings.Cut(tail, `"`)
		records = append(records, fmt.Sprintf(`%s"eventID": "00000000-0000-4000-8000-%012d"%s`, head, i+1, tail))
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`), nil
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

// chain DIR HOURS LOGS [no-metadata] writes a signed trail of that many hours with
// that many log files in each, and its public keys as DIR.keys.json. Every call
// signs with a new key. no-metadata leaves out what a plain copy of a bucket lacks.
func writeChain(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: chain DIR HOURS LOGS [no-metadata]")
	}
	hours, err := strconv.Atoi(args[1])
	ts.Check(err)
	logs, err := strconv.Atoi(args[2])
	ts.Check(err)
	bare := len(args) > 3 && args[3] == "no-metadata"
	ts.Check(writeTrail(ts.MkAbs(args[0]), digesttest.Chain{Hours: hours, Logs: logs, NoMetadata: bare}))
}

// writeTrail writes a signed chain into a folder and its keys beside the folder.
func writeTrail(dir string, c digesttest.Chain) error {
	signer, err := digesttest.NewSigner()
	if err != nil {
		return err
	}
	if err := digesttest.WriteChain(dir, c, signer); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, digesttest.KeysFile), dir+".keys.json")
}
