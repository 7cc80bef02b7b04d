// Command fixbench measures what the proposed changes do to the simulated organization:
// the score before, afterwards, and what is left for people.
//
//	go run ./tools/fixbench [-accounts 6,20] [-write]
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/mend"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("fixbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	list := f.String("accounts", "6", "numbers of accounts, with commas between them")
	write := f.Bool("write", false, "write the tables into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s. Command: `go run ./tools/fixbench -accounts %s -write`.\n\n", time.Now().Format(time.DateOnly), *list)
	text.WriteString("| accounts | failures | score before | changes | kinds | with what a person gave | score after | and after users registered keys | failures left | not known |\n")
	text.WriteString("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	var last *mend.Result
	for n := range strings.SplitSeq(*list, ",") {
		accounts, err := strconv.Atoi(n)
		if err != nil {
			fmt.Fprintf(stderr, "fixbench: -accounts %s: want numbers\n", *list)
			return 2
		}
		r, err := measure(accounts)
		if err != nil {
			fmt.Fprintf(stderr, "fixbench: %v\n", err)
			return 1
		}
		for _, s := range r.Stopped {
			fmt.Fprintf(stderr, "fixbench: stopped: %s\n", s)
		}
		fmt.Fprintf(&text, "| %d | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", r.Accounts, r.Failed, r.Before, r.Applied, r.Kinds, r.Given, r.Alone, r.After, len(r.Left), r.Unknown)
		last = r
	}
	left(&text, last)
	unknown(&text, last)
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return 1
	}
	if *write {
		if err := benchdoc.Put("docs/benchmarks.md", "tools/fixbench", text.String()); err != nil {
			fmt.Fprintf(stderr, "fixbench: %v\n", err)
			return 1
		}
	}
	return 0
}

// measure mends an organization in all its Regions.
func measure(accounts int) (*mend.Result, error) {
	ctx := context.Background()
	o, err := mend.New(ctx, accounts, nil)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	for name, value := range o.Environment() {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	return o.Mend(ctx, o.Answer, o.Attest)
}

// left lists what is left of the last organization by control, with the reason of the first
// failure of each.
func left(w io.Writer, r *mend.Result) {
	first, counts := map[string]mend.Left{}, map[string]int{}
	for _, f := range r.Left {
		if counts[f.Control]++; counts[f.Control] == 1 {
			first[f.Control] = f
		}
	}
	order := slices.SortedFunc(maps.Keys(first), func(a, b string) int {
		return cmp.Or(-cmp.Compare(first[a].Severity, first[b].Severity), cmp.Compare(a, b))
	})
	fmt.Fprintf(w, "\nWhat is left in %d accounts, what of the 100 points it holds back, and why it needs a person:\n\n| control | severity | failures | points | reason |\n|---|---|---:|---:|---|\n", r.Accounts)
	for _, id := range order {
		f := first[id]
		fmt.Fprintf(w, "| %s | %s | %d | %s | %s |\n", id, f.Severity, counts[id], points(r.Held[id]), cell.Replace(f.Reason))
	}
}

var cell = strings.NewReplacer("|", `\|`, "\n", " ")

func points(hundredths int) string { return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100) }

// unknown lists what is not known and holds back points, with what the first of each lacks.
func unknown(w io.Writer, r *mend.Result) {
	first, counts := map[string]rootkeep.Finding{}, map[string]int{}
	for _, f := range r.Findings {
		if f.Status != rootkeep.Unknown || r.Held[f.Control] == 0 {
			continue
		}
		if counts[f.Control]++; counts[f.Control] == 1 {
			first[f.Control] = f
		}
	}
	if len(first) == 0 {
		return
	}
	fmt.Fprint(w, "\nWhat is not known, which is no pass:\n\n| control | severity | findings | points | what is missing |\n|---|---|---:|---:|---|\n")
	for _, id := range slices.Sorted(maps.Keys(first)) {
		fmt.Fprintf(w, "| %s | %s | %d | %s | %s |\n", id, first[id].Severity, counts[id], points(r.Held[id]), cell.Replace(strings.Join(first[id].Missing, "; ")))
	}
}
