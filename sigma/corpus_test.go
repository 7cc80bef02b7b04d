package sigma

import (
	"os"
	"path/filepath"
	"testing"
)

// corpus is where the SigmaHQ rules, the samples and the schemas of the
// specification lie beside a checkout. A checkout alone has none.
const corpus = "../../shared/corpora/sigma"

func corpusFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("skipped: no %s in %s", pattern, corpus)
	}
	return files
}

func parseFiles(t testing.TB, files []string) []Document {
	t.Helper()
	var docs []Document
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(filepath.Base(f), src)
		if err != nil {
			t.Errorf("Parse(%s): got error %v, want none", f, err)
		}
		docs = append(docs, d...)
	}
	return docs
}

func TestEverySigmaHQRuleLoadsAndIsIndexed(t *testing.T) {
	docs := parseFiles(t, corpusFiles(t, "rules/*.yml"))
	set, problems := Compile(docs, Options{})
	for _, p := range problems {
		t.Errorf("Compile: got %v, want no problem", p)
	}
	if got, want := len(set.Rules()), 57; got != want {
		t.Errorf("rules: got %d, want %d", got, want)
	}
	for _, r := range set.Unindexed() {
		t.Errorf("%s: got no index, want one", set.Rules()[r].Title)
	}
}

func TestEverySampleOfTheSpecificationParses(t *testing.T) {
	files := corpusFiles(t, "samples/*.yml")
	docs := parseFiles(t, files)
	if got, want := len(docs), len(files); got != want {
		t.Errorf("documents: got %d, want %d", got, want)
	}
	_, problems := Compile(docs, Options{})
	for _, p := range problems {
		t.Log(p)
	}
}
