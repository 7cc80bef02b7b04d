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
	g := generator{rand.New(rand.NewPCG(uint64(seed), 0))}
	var input bytes.Buffer
	lines := make([]string, count)
	for i := range lines {
		b, err := json.Marshal(g.oneCase(i))
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(b)
		input.Write(b)
		input.WriteByte('\n')
	}
	var got bytes.Buffer
	if _, err := cases.Run(bytes.NewReader(input.Bytes()), &got, cases.Options{}); err != nil {
		t.Fatal(err)
	}
	compare(t, lines, decisions(t, &got), decisions(t, drive(t, node, folder, &input)))
}

// drive runs the other evaluator.
func drive(t *testing.T, node, folder string, input io.Reader) io.Reader {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, "driver.mjs", folder)
	cmd.Stdin = input
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

func compare(t *testing.T, lines, got, want []string) {
	t.Helper()
	if len(got) != len(lines) || len(want) != len(lines) {
		t.Fatalf("answers: got %d and %d, want %d", len(got), len(want), len(lines))
	}
	words, listed, refused, unexplained := map[string]int{}, map[string]int{}, 0, 0
	for i := range lines {
		words[got[i]]++
		switch {
		case strings.HasPrefix(want[i], "error: "):
			if refused++; refused <= 3 {
				t.Logf("refused by the other evaluator: %s\n%s", want[i], lines[i])
			}
		case got[i] == want[i]:
		default:
			id := explain(t, lines[i], got[i], want[i])
			if listed[id]++; id == "" {
				if unexplained++; unexplained <= 10 {
					t.Errorf("got %s, want %s (or a line in docs/iam-differences.md):\n%s", got[i], want[i], lines[i])
				}
			}
		}
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

// explain finds the listed difference that covers a case.
func explain(t *testing.T, line, got, want string) string {
	t.Helper()
	var c object
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		t.Fatal(err)
	}
	for _, d := range differences() {
		if d.covers(c, got, want) {
			return d.id
		}
	}
	return ""
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
