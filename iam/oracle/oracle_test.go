// Package oracle compares the evaluator with another one, the npm package
// @cloud-copilot/iam-simulate, on random cases. That package runs as a process of
// its own; nothing of it is imported or copied.
package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/cases"
)

// The folder where `npm install @cloud-copilot/iam-simulate` was run, the number of
// cases, and the seed.
const (
	folderVariable = "ROOTKEEP_IAM_SIMULATE"
	countVariable  = "ROOTKEEP_IAM_SIMULATE_CASES"
	seedVariable   = "ROOTKEEP_IAM_SIMULATE_SEED"
	defaultCount   = 20000
	differenceList = "../../docs/iam-differences.md"
)

func number(t *testing.T, variable string, fallback int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s=%q: want a number", variable, text)
	}
	return n
}

func TestAgreesWithIAMSimulate(t *testing.T) {
	folder := os.Getenv(folderVariable)
	if folder == "" {
		t.Skipf("skipped: %s does not name a folder with @cloud-copilot/iam-simulate installed", folderVariable)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: node is not installed")
	}
	count := number(t, countVariable, defaultCount)
	if testing.Short() {
		count = min(count, 2000)
	}
	seed := number(t, seedVariable, 1)
	lines := generate(t, uint64(seed), count)
	other := func(lines []string) []string { return decisions(t, drive(t, node, folder, lines)) }
	compare(t, lines, own(t, lines), other(lines), other)
}

// generate writes cases, one a line.
func generate(t *testing.T, seed uint64, count int) []string {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	lines := make([]string, count)
	for i := range lines {
		lines[i] = written(t, g.oneCase(i))
	}
	return lines
}

func written(t *testing.T, c object) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// own are our decisions.
func own(t *testing.T, lines []string) []string {
	t.Helper()
	var out bytes.Buffer
	if _, err := cases.Run(strings.NewReader(strings.Join(lines, "\n")), &out, cases.Options{}); err != nil {
		t.Fatal(err)
	}
	return decisions(t, &out)
}

// drive runs the other evaluator.
func drive(t *testing.T, node, folder string, lines []string) io.Reader {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, "driver.mjs", folder)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("run the other evaluator: %v\n%s", err, errs.String())
	}
	return &out
}

func decisions(t *testing.T, r io.Reader) []string {
	t.Helper()
	var out []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, cases.MaxLine)
	for lines.Scan() {
		var a struct{ Decision, Error string }
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		if a.Error != "" {
			a.Decision = "error: " + a.Error
		}
		out = append(out, a.Decision)
	}
	return out
}

// compare holds our answers to the other evaluator's; other asks it again.
func compare(t *testing.T, lines, got, want []string, other func([]string) []string) {
	t.Helper()
	if len(got) != len(lines) || len(want) != len(lines) {
		t.Fatalf("answers: got %d and %d, want %d", len(got), len(want), len(lines))
	}
	words, refused := map[string]int{}, 0
	var differ []int
	for i := range lines {
		words[got[i]]++
		switch {
		case strings.HasPrefix(want[i], "error: "):
			if refused++; refused <= 3 {
				t.Logf("refused by the other evaluator: %s\n%s", want[i], lines[i])
			}
		case got[i] != want[i]:
			differ = append(differ, i)
		}
	}
	listed, unexplained := map[string]int{}, 0
	for k, id := range excuse(t, lines, got, differ, other) {
		if i := differ[k]; id == "" {
			if unexplained++; unexplained <= 10 {
				t.Errorf("got %s, want %s (or a row in docs/iam-differences.md):\n%s", got[i], want[i], lines[i])
			}
			continue
		}
		listed[id]++
	}
	t.Logf("%d cases, decisions %v, refused %d, differences by id %v", len(lines), words, refused, listed)
	if unexplained > 0 {
		t.Errorf("%d differences are not listed", unexplained)
	}
	if refused*20 > len(lines) {
		t.Errorf("the other evaluator refused %d of %d cases, want at most 5 %%", refused, len(lines))
	}
	for _, word := range []string{"allowed", "explicitly_denied", "implicitly_denied"} {
		if words[word]*20 < len(lines) {
			t.Errorf("only %d of %d cases are %s, want at least 5 %%", words[word], len(lines), word)
		}
	}
}

// excuse finds, for each case on which the evaluators differ, the id of the listed
// difference that accounts for all of it, several joined by "+", or "". A case is
// rewritten without the difference: by one alone if that is enough, else by all that
// it has.
func excuse(t *testing.T, lines, got []string, differ []int, other func([]string) []string) []string {
	t.Helper()
	type attempt struct {
		k  int // index into differ
		id string
	}
	var attempts []attempt
	var rewritten []string
	for k, i := range differ {
		all, ids := clone(lines[i]), []string(nil)
		for _, d := range differences() {
			if one := clone(lines[i]); d.rewrite(one) {
				attempts, rewritten = append(attempts, attempt{k, d.id}), append(rewritten, written(t, one))
			}
			if d.rewrite(all) {
				ids = append(ids, d.id)
			}
		}
		if len(ids) > 1 {
			attempts, rewritten = append(attempts, attempt{k, strings.Join(ids, "+")}), append(rewritten, written(t, all))
		}
	}
	out := make([]string, len(differ))
	if len(rewritten) == 0 {
		return out
	}
	ours, theirs := own(t, rewritten), other(rewritten)
	for n, a := range attempts {
		if want := got[differ[a.k]]; out[a.k] == "" && ours[n] == want && theirs[n] == want {
			out[a.k] = a.id
		}
	}
	return out
}

// What the list of differences says of a case, our evaluator follows: a case without
// the point has the same answer. This needs no other evaluator.
func TestRewrittenCasesKeepTheirDecision(t *testing.T) {
	lines := generate(t, 7, 3000)
	got := own(t, lines)
	parsed := make([]object, len(lines))
	for i, line := range lines {
		parsed[i] = clone(line)
	}
	for _, d := range differences() {
		if d.local {
			continue
		}
		var from []int
		var rewritten []string
		for i := range lines {
			if c := copied(parsed[i]); d.rewrite(c) {
				from, rewritten = append(from, i), append(rewritten, written(t, c))
			}
		}
		if len(from) < 5 {
			t.Errorf("%s: only %d cases have it, want more", d.id, len(from))
			continue
		}
		wrong := 0
		for k, again := range own(t, rewritten) {
			if want := got[from[k]]; again != want {
				if wrong++; wrong <= 2 {
					t.Errorf("%s: got %s for the rewritten case, want %s:\n%s\n%s", d.id, again, want, lines[from[k]], rewritten[k])
				}
			}
		}
		t.Logf("%s: %d cases", d.id, len(from))
	}
}

func TestEveryDifferenceIsListedWithItsSource(t *testing.T) {
	text, err := os.ReadFile(differenceList)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences() {
		if !strings.Contains(string(text), fmt.Sprintf("| %s |", d.id)) {
			t.Errorf("%s: got no row with id %s, want one", differenceList, d.id)
		}
	}
}
