package main

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect/origin/origintest"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// log FILE EVENT... writes changed base events as {"Records":[...]}. An event is
// a base with changes behind commas:
//
//	stop-logging,eventTime=2026-03-01T10:00:00Z,sourceIPAddress=198.51.100.9
//
// Its ID is its own, even among several files, unless a change gives one.
func changedLog(ts *testscript.TestScript, _ bool, args []string) {
	bases, err := rule.LoadBases(content.Files, "events")
	ts.Check(err)
	var records []map[string]any
	for i, event := range args[1:] {
		base, changes, _ := strings.Cut(event, ",")
		set := map[string]any{"eventID": fmt.Sprintf("%08x-0000-4000-8000-%012d", crc32.ChecksumIEEE([]byte(args[0])), i+1)}
		for change := range strings.SplitSeq(changes, ",") {
			if path, value, ok := strings.Cut(change, "="); ok {
				set[path] = value
			}
		}
		record, err := rule.Patch{Base: base, Set: set}.Apply(bases)
		ts.Check(err)
		records = append(records, record)
	}
	text, err := json.Marshal(map[string]any{"Records": records})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o644))
}

// geoip FILE RANGE=CC... writes a country database.
func countryDatabase(ts *testscript.TestScript, _ bool, args []string) {
	ranges := map[string]string{}
	for _, arg := range args[1:] {
		cidr, country, _ := strings.Cut(arg, "=")
		ranges[cidr] = country
	}
	db, err := origintest.Countries(ranges)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), db, 0o644))
}
