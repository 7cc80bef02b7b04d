package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/sigma"
)

func TestSameSeedGivesSameRules(t *testing.T) {
	if diff := cmp.Diff(rules(1, 200), rules(1, 200)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(rules(1, 200), rules(2, 200)) {
		t.Error("two seeds gave the same rules, want different ones")
	}
}

func TestKindsAddUpToOneHundred(t *testing.T) {
	sum := 0
	for _, k := range kinds() {
		sum += k.percent
	}
	if sum != 100 {
		t.Errorf("got %d percent, want 100", sum)
	}
}

func TestEveryRuleLoads(t *testing.T) {
	var docs []sigma.Document
	shapes := map[string]int{}
	for i, text := range rules(1, 943) {
		read, err := sigma.Parse(fmt.Sprintf("synthetic-%d.yaml", i), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, read...)
		_, shape, _ := strings.Cut(strings.SplitN(text, "\n", 2)[0], ", ")
		shapes[shape]++
	}
	set, problems := sigma.Compile(docs, sigma.Options{})
	if len(problems) > 0 || len(set.Rules()) != 943 {
		t.Fatalf("got %d rules and the problems %v, want 943 and none", len(set.Rules()), problems)
	}
	for _, k := range kinds() {
		// A deck of one hundred holds exactly the shares; 943 is nine decks and a part.
		if n := shapes[k.name]; n < 9*k.percent || n > 10*k.percent {
			t.Errorf("%s: got %d rules, want %d to %d", k.name, n, 9*k.percent, 10*k.percent)
		}
	}
}

func TestRulesAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rules")
	var out, problems bytes.Buffer
	if code := run([]string{"-n", "12", "-out", dir}, &out, &problems); code != 0 {
		t.Fatalf("got exit code %d, want 0: %s", code, &problems)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 12 {
		t.Errorf("got %d files and %v, want 12", len(files), err)
	}
}
