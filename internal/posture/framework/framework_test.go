package framework_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// shipped loads the frameworks that come with rootkeep.
func shipped(t *testing.T) []*framework.Framework {
	t.Helper()
	all, problems := framework.Load(nil, rule.Source{FS: content.Files, Dir: "frameworks"})
	resolved, more := framework.Resolve(all)
	for _, p := range append(problems, more...) {
		t.Error(p)
	}
	return resolved
}

func TestShippedFrameworksLoadAndNameControlsOfTheCatalogue(t *testing.T) {
	text, err := os.ReadFile("../testdata/catalogue.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields(string(text))
	all, problems := framework.Load(known, rule.Source{FS: content.Files, Dir: "frameworks"})
	for _, p := range problems {
		t.Error(p)
	}
	var got []string
	for _, f := range all {
		got = append(got, f.ID)
	}
	want := []string{
		"aws-fsbp", "aws-security-hub", "cis-aws-1.4", "cis-aws-1.5", "cis-aws-2.0", "cis-aws-3.0", "cis-aws-4.0", "cis-aws-5.0", "cis-aws-6.0", "cis-aws-7.0",
		"fedramp-moderate", "fisma-moderate", "gdpr", "glba", "hipaa", "iso-27001-2022", "nist-800-53-r5", "pci-dss-4.0.1", "soc2", "sox",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("frameworks: got (-), want (+)\n%s", diff)
	}
}

// The numbers of what concerns root in each version of the benchmark: they moved twice. RT-02
// does not apply without MFA, so that hardware MFA needs RT-01 as well.
func TestRootInEveryBenchmark(t *testing.T) {
	all := shipped(t)
	for id, want := range map[string]map[string]string{
		"cis-aws-1.4": {"RT-05": "1.4", "RT-01": "1.5 1.6", "RT-02": "1.6", "RT-08": "1.7", "MF-03": "4.3"},
		"cis-aws-4.0": {"RT-05": "1.4", "RT-01": "1.5 1.6", "RT-02": "1.6", "RT-08": "1.7", "MF-03": "4.3"},
		"cis-aws-5.0": {"RT-05": "1.3", "RT-01": "1.4 1.5", "RT-02": "1.5", "RT-08": "1.6", "MF-03": "4.3"},
		"cis-aws-6.0": {"RT-05": "2.3", "RT-01": "2.4 2.5", "RT-02": "2.5", "RT-08": "2.6", "MF-03": "5.3"},
		"cis-aws-7.0": {"RT-05": "2.4", "RT-01": "2.5 2.6", "RT-02": "2.6", "RT-08": "2.7", "MF-03": "5.3", "RT-14": "2.1.1"},
	} {
		for control, clauses := range want {
			var in []framework.Reference
			for clause := range strings.FieldsSeq(clauses) {
				in = append(in, framework.Reference{Framework: id, Clause: clause, Basis: framework.Published})
			}
			r := slices.DeleteFunc(framework.References(all, control), func(r framework.Reference) bool { return r.Framework != id })
			if diff := cmp.Diff(r, in); diff != "" {
				t.Errorf("%s of %s: got (-), want (+)\n%s", control, id, diff)
			}
		}
	}
}

func TestASelectionTakesTheControlsOfTheOther(t *testing.T) {
	f := framework.Find(shipped(t), "fedramp-moderate")
	i := slices.IndexFunc(f.Rows, func(r framework.Row) bool { return r.Clause == "IA-2(1)" })
	got := f.Rows[i]
	if got.Through != "nist-800-53-r5" || got.Basis != framework.Published || !slices.Contains(got.Controls, "RT-01") || !strings.Contains(got.Source, "IAM.9") {
		t.Errorf("IA-2(1): got %+v, want RT-01 as AWS publishes it for NIST SP 800-53", got)
	}
}

const head = `id: mine
kind: framework
name: Mine
version: "1"
owner: Us
source: Our handbook
date: 2026-11-26
scope: All of it.
`

func load(text string, known ...string) ([]*framework.Framework, []error) {
	return framework.Load(known, rule.Source{FS: fstest.MapFS{"mine.yaml": {Data: []byte(text)}}, Dir: ".", Name: "dir"})
}

func TestABrokenFrameworkIsNamedWithItsLine(t *testing.T) {
	const row = `  - {clause: "1", title: One, controls: [A], basis: ours, why: Because.}` + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"an unknown key", head + "clauses:\n  - {clause: \"1\", titel: One, controls: []}\n", `dir/mine.yaml:10:19: unknown field "titel"`},
		{"an unknown key of the head", strings.Replace(head, "owner", "ower", 1) + "clauses:\n" + row, `dir/mine.yaml:5:1: unknown field "ower"`},
		{"a wrong type", head + "clauses:\n" + row + "  - {clause: \"2\", title: Two, controls: {A: B}}\n", "dir/mine.yaml:11:"},
		{"a clause that is a number", head + "clauses:\n  - {clause: 2.10, title: One, controls: []}\n", "dir/mine.yaml:10:14: clause: want a text"},
		{"no clause", head + "clauses:\n  - {title: One, controls: []}\n", "dir/mine.yaml:10:"},
		{"an unknown control", head + "clauses:\n" + row + "  - {clause: \"2\", title: Two, controls: [B], basis: ours, why: Because.}\n", "dir/mine.yaml:11:5: clause 2: control B does not exist"},
		{"a control twice", head + "clauses:\n  - {clause: \"2\", title: Two, controls: [A, A], basis: ours, why: Because.}\n", "clause 2: control A twice"},
		{"a clause twice", head + "clauses:\n" + row + row, "dir/mine.yaml:11:5: clause 1: is already in line 10"},
		{"rows of one clause apart", head + "clauses:\n" + row + "  - {clause: \"2\", title: Two, controls: []}\n  - {clause: \"1\", controls: [A], basis: published}\n", "dir/mine.yaml:12:5: clause 1: is already in line 10"},
		{"ours without a reason", head + "clauses:\n  - {clause: \"1\", title: One, controls: [A], basis: ours}\n", "basis ours: want why"},
		{"published with a reason", head + "clauses:\n  - {clause: \"1\", title: One, controls: [A], basis: published, why: Because.}\n", "want source instead of why"},
		{"no basis", head + "clauses:\n  - {clause: \"1\", title: One, controls: [A]}\n", `basis "": want published or ours`},
		{"a basis of nothing", head + "clauses:\n  - {clause: \"1\", title: One, controls: [], basis: ours, why: Because.}\n", "no controls: then there is no basis"},
		{"no title", head + "clauses:\n  - {clause: \"1\", controls: []}\n", "clause 1: want a title"},
		{"another name", strings.Replace(head, "id: mine", "id: yours", 1) + "clauses:\n" + row, `id "yours" in a file named mine.yaml`},
		{"another kind", strings.Replace(head, "kind: framework", "kind: control", 1) + "clauses:\n" + row, `kind "control": want framework`},
		{"no day", strings.Replace(head, "2026-11-26", "last week", 1) + "clauses:\n" + row, `date "last week"`},
		{"no owner", strings.Replace(head, "owner: Us\n", "", 1) + "clauses:\n" + row, "want name, version, owner, source and scope"},
		{"no clauses", head, "want clauses"},
		{"no document", "", "want one YAML document"},
		{"no YAML", "{", "dir/mine.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, problems := load(c.text, "A")
			if len(all) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) {
				t.Errorf("got %d frameworks and %v, want an error with %q", len(all), problems, c.want)
			}
		})
	}
}

func TestAFrameworkThroughNothingIsLeftOut(t *testing.T) {
	all, problems := load(head + "through: theirs\nclauses:\n  - {clause: \"1\", title: One, controls: []}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	resolved, problems := framework.Resolve(all)
	if len(resolved) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Error(), `dir/mine.yaml:9:1: through: "theirs" is no framework`) {
		t.Errorf("got %d frameworks and %v, want the line of through", len(resolved), problems)
	}
}

func TestAControlOfTheUserMapsItself(t *testing.T) {
	for _, c := range []struct {
		name string
		maps map[string][]string
		want string // error, or "" and the control is there
	}{
		{"to a clause that is there", map[string][]string{"mine": {"1"}}, ""},
		{"to no framework", map[string][]string{"yours": {"1"}}, `framework "yours" does not exist; hint: rootkeep frameworks list`},
		{"to no clause", map[string][]string{"mine": {"1", "9"}}, `framework mine lists no clause "9"; hint: rootkeep frameworks show mine`},
		{"to a clause twice", map[string][]string{"mine": {"1", "1"}}, `clause "1" twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, problems := load(head + "clauses:\n  - {clause: \"1\", title: One, controls: []}\n  - {clause: \"2\", title: Two, controls: []}\n")
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			err := framework.Map(all, "own", "Own", c.maps)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || len(all[0].Controls()) != 0 {
					t.Errorf("got %v and controls %v, want %q and none", err, all[0].Controls(), c.want)
				}
				return
			}
			want := []framework.Reference{{Framework: "mine", Clause: "1", Basis: framework.Ours}}
			if diff := cmp.Diff(framework.References(all, "own"), want); err != nil || diff != "" {
				t.Errorf("got %v, (-), want (+)\n%s", err, diff)
			}
		})
	}
}
