package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// corpus is what AWS Access Analyzer reported of its own managed policies
// (../shared/corpora beside the checkout).
const corpus = "../../../shared/corpora/access-analyzer"

// reported is one finding of AWS.
type reported struct {
	Code, Type string
	Locations  []struct {
		Path []struct {
			Value, Key *string
			Index      *int
		}
	}
}

func (r reported) id() string {
	var paths []string
	for _, l := range r.Locations {
		var b strings.Builder
		for _, p := range l.Path {
			switch {
			case p.Index != nil:
				fmt.Fprintf(&b, "[%d]", *p.Index)
			case p.Value != nil:
				b.WriteString("." + *p.Value)
			case p.Key != nil:
				b.WriteString("." + *p.Key)
			}
		}
		paths = append(paths, strings.TrimPrefix(b.String(), "."))
	}
	slices.Sort(paths)
	return r.Code + " " + strings.Join(paths, " ")
}

func (f Finding) id() string {
	var paths []string
	for _, l := range f.Locations {
		paths = append(paths, l.Path)
	}
	slices.Sort(paths)
	return f.Code + " " + strings.Join(paths, " ")
}

// dated are places of names that AWS and the table of actions know differently,
// because the two are of different days: the services are gone from the table, the
// action is new in it. They count neither way.
func dated() []string {
	const tagging = "ResourceGroupsTaggingAPITagUntagSupportedResources.json INVALID_SERVICE_IN_ACTION Statement[0].Action"
	return []string{
		tagging + "[80]", tagging + "[81]", // deepcomposer
		tagging + "[163]", tagging + "[164]", // iot1click
		"DeclarativePoliciesEC2Report.json INVALID_ACTION Statement[0].Action[7]", // ec2:DescribeAccountVpcEncryptionControl
	}
}

type tally struct{ aws, ours, both int }

func TestAgainstAccessAnalyzer(t *testing.T) {
	files, _ := filepath.Glob(corpus + "/policies/*.json")
	if len(files) == 0 {
		t.Skip("skipped: ../shared/corpora/access-analyzer is not there")
	}
	counts := map[string]*tally{}
	count := func(code string) *tally {
		if counts[code] == nil {
			counts[code] = &tally{}
		}
		return counts[code]
	}
	own := map[string]int{}
	for _, file := range files {
		name := filepath.Base(file)
		aws, ours := corpusPair(t, name)
		for id := range aws {
			count(strings.Fields(id)[0]).aws += aws[id]
		}
		for id, n := range ours {
			code := strings.Fields(id)[0]
			if strings.HasPrefix(code, "RK_") {
				own[code] += n
				if len(aws) == 0 {
					t.Errorf("%s: got %s, want no finding, as AWS", name, id)
				}
				continue
			}
			count(code).ours += n
			count(code).both += min(n, aws[id])
			if n > aws[id] {
				t.Logf("%s: only ours: %s", name, id)
			}
			if len(aws) == 0 {
				t.Errorf("%s: got %s, want no finding, as AWS", name, id)
			}
		}
		for id, n := range aws {
			if n > ours[id] {
				t.Logf("%s: only AWS: %s", name, id)
			}
		}
	}
	judge(t, counts)
	for _, code := range slices.Sorted(maps.Keys(own)) {
		t.Logf("%-60s %3d of ours alone", code, own[code])
	}
}

func judge(t *testing.T, counts map[string]*tally) {
	t.Helper()
	t.Logf("%-60s %4s %5s %5s %7s %9s", "code", "AWS", "ours", "both", "recall", "precision")
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		c := counts[code]
		recall, precision := 1.0, 1.0
		if c.aws > 0 {
			recall = float64(c.both) / float64(c.aws)
		}
		if c.ours > 0 {
			precision = float64(c.both) / float64(c.ours)
		}
		t.Logf("%-60s %4d %5d %5d %6.1f%% %8.1f%%", code, c.aws, c.ours, c.both, recall*100, precision*100)
		if c.aws >= 4 && (recall < 0.95 || precision < 0.90) {
			t.Errorf("%s: got recall %.1f%% and precision %.1f%%, want 95%% and 90%%", code, recall*100, precision*100)
		}
	}
}

// corpusPair is what AWS and this linter say of one policy, counted by code and
// places.
func corpusPair(t *testing.T, name string) (aws, ours map[string]int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(corpus, "findings", name))
	if err != nil {
		t.Fatal(err)
	}
	var list []reported
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	aws, ours = map[string]int{}, map[string]int{}
	for _, r := range list {
		aws[r.id()]++
	}
	src, err := os.ReadFile(filepath.Join(corpus, "policies", name))
	if err != nil {
		t.Fatal(err)
	}
	findings, _ := Source(src, Options{Type: Identity})
	for _, f := range findings {
		ours[f.id()]++
	}
	for _, d := range dated() {
		if id, ok := strings.CutPrefix(d, name+" "); ok {
			if (aws[id] > 0) == (ours[id] > 0) {
				t.Errorf("%s: AWS and the table agree on %s: take it off the list", name, id)
			}
			delete(aws, id)
			delete(ours, id)
		}
	}
	return aws, ours
}
