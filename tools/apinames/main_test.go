package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeModels lays out an installed package with two services, one of them in
// two versions.
func writeModels(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	models := map[string]string{
		"iam/2010-05-08":             `{"metadata":{"endpointPrefix":"iam"},"operations":{"DeleteUser":{},"CreateUser":{}}}`,
		"bedrock-runtime/2023-09-30": `{"metadata":{"endpointPrefix":"bedrock-runtime","signingName":"Bedrock"},"operations":{"InvokeModel":{}}}`,
		"iam/2026-01-01":             `{"metadata":{"endpointPrefix":"iam","signingName":"iam"},"operations":{"CreateUser":{},"CreateRole":{}}}`,
	}
	for name, text := range models {
		path := filepath.Join(dir, "data", filepath.FromSlash(name), "service-2.json.gz")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "__init__.py"), []byte("import os\n__version__ = '1.2.3'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestListingHasOneLinePerServiceInOrder(t *testing.T) {
	target := filepath.Join(t.TempDir(), "operations.txt")
	if err := run(writeModels(t), target); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	if got, want := string(head), "# Generated from botocore 1.2.3 by tools/apinames; do not edit. To regenerate:"; got != want {
		t.Errorf("first line: got %q, want %q", got, want)
	}
	var lines []string
	for line := range bytes.Lines(rest) {
		if line[0] != '#' {
			lines = append(lines, string(line))
		}
	}
	want := []string{
		"bedrock-runtime.amazonaws.com,bedrock.amazonaws.com InvokeModel\n",
		"iam.amazonaws.com CreateRole CreateUser DeleteUser\n",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("services (-want +got)\n%s", diff)
	}
}

func TestAFolderWithoutModelsIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := run(dir, filepath.Join(dir, "out")); err == nil {
		t.Error("got no error, want one that names the folder")
	}
}
