// Command rulegen writes synthetic Sigma rules for CloudTrail, to measure what a
// large rule set costs. The same arguments give the same files.
//
//	go run ./tools/rulegen -seed 1 -n 943 -out bench-data/rules
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("rulegen", flag.ContinueOnError)
	f.SetOutput(stderr)
	seed := f.Uint64("seed", 1, "seed of everything that is drawn")
	n := f.Int("n", 943, "number of rules")
	out := f.String("out", "", "folder to write to")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if *n < 1 || *out == "" {
		fmt.Fprintln(stderr, "rulegen: -n of 1 or more and -out are required")
		return 2
	}
	if err := write(*out, rules(*seed, *n)); err != nil {
		fmt.Fprintf(stderr, "rulegen: %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "%d rules in %s\n", *n, *out)
	return 0
}

func write(dir string, rules []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, text := range rules {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("synthetic-%04d.yaml", i+1)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// kind is a shape of rules and its share.
type kind struct {
	name    string
	percent int
	detect  func(*rand.Rand) string // the detection section
}

func kinds() []kind {
	return []kind{
		{"pinned to a call", 70, pinned},
		{"pinned to a call that succeeded", 6, succeeded},
		{"pinned to a call and a tool", 6, byTool},
		{"parameter of a busy call", 5, byParameter},
		{"busy call by no known role", 3, byStranger},
		{"tool", 2, tool},
		{"principal by pattern", 2, byPattern},
		{"address range", 2, byAddress},
		{"family of calls", 2, family},
		{"root in a service", 2, rootIn},
	}
}

// rules makes n rules, each kind in its share and spread evenly.
func rules(seed uint64, n int) []string {
	r := rand.New(rand.NewPCG(seed, 0x51676d61))
	var deck []kind // one hundred, by share
	for _, k := range kinds() {
		for range k.percent {
			deck = append(deck, k)
		}
	}
	out := make([]string, 0, n)
	for i := range n {
		if i%len(deck) == 0 {
			r.Shuffle(len(deck), func(a, b int) { deck[a], deck[b] = deck[b], deck[a] })
		}
		k := deck[i%len(deck)]
		out = append(out, fmt.Sprintf(`title: Synthetic rule %[1]d, %[2]s
id: %08[3]x-%04[4]x-4%03[5]x-a%03[6]x-%012[7]x
status: test
description: Made by rulegen to measure the cost of many rules; it means nothing.
author: rulegen
date: 2026-11-22
logsource:
  product: aws
  service: cloudtrail
detection:
%[8]slevel: low
`, i+1, k.name, r.Uint32(), r.Uint32()>>16, r.Uint32()>>20, r.Uint32()>>20, r.Uint64()>>16, k.detect(r)))
	}
	return out
}
