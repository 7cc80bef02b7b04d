package sigma

import (
	"fmt"
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
	for _, file := range corpusFiles(t, "samples/*.yml") {
		docs := parseFiles(t, []string{file})
		if got, want := len(docs), 1; got != want {
			t.Errorf("%s: got %d documents, want %d", file, got, want)
		}
		// Samples are for themselves: the rules that they refer to come with none of them.
		docs = append(docs, stubs(t, docs[0])...)
		_, problems := Compile(docs, Options{})
		for _, p := range problems {
			t.Errorf("Compile: got %v, want no problem", p)
		}
	}
}

// stubs are rules for what a document refers to, of the log source that it names.
func stubs(t *testing.T, d Document) []Document {
	t.Helper()
	var names []string
	of := LogSource{Product: "aws", Service: "cloudtrail"}
	switch {
	case d.Correlation != nil:
		names = d.Correlation.Rules
	case d.Filter != nil:
		names, of = d.Filter.Rules, d.Filter.LogSource
	}
	var out []Document
	for _, name := range names {
		stub := fmt.Sprintf("title: A stub\nname: %s\ndetection: {selection: {a: b}, condition: selection}\nlogsource:\n", name)
		for key, value := range map[string]string{"category": of.Category, "product": of.Product, "service": of.Service} {
			if value != "" {
				stub += fmt.Sprintf("  %s: %s\n", key, value)
			}
		}
		rule, err := Parse("stub.yml", []byte(stub))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rule...)
	}
	return out
}
