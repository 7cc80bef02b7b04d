package lint_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/lint"
)

// corpus holds the rules of SigmaHQ for CloudTrail, which lie beside a checkout.
const corpus = "../../../shared/corpora/sigma/rules"

// derived are the fields that the hunt computes.
var derived = []string{"rootkeep.principal", "rootkeep.country", "rootkeep.asn", "rootkeep.network", "rootkeep.address", "rootkeep.relay", "rootkeep.outcome", "rootkeep.target_account"}

// shipped reads the names that come with the program.
func shipped(t testing.TB) *lint.API {
	t.Helper()
	var texts []string
	for _, file := range []string{"api/operations.txt", "api/events.txt"} {
		text, err := content.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	api, err := lint.ReadAPI(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func compile(t testing.TB, fsys fs.FS, pattern string) *sigma.Set {
	t.Helper()
	files, err := fs.Glob(fsys, pattern)
	if err != nil {
		t.Fatal(err)
	}
	var docs []sigma.Document
	for _, f := range files {
		src, err := fs.ReadFile(fsys, f)
		if err != nil {
			t.Fatal(err)
		}
		d, err := sigma.Parse(path.Base(f), src)
		if err != nil {
			t.Errorf("Parse(%s): got error %v, want none", f, err)
		}
		docs = append(docs, d...)
	}
	set, problems := sigma.Compile(docs, sigma.Options{Derived: derived})
	for _, p := range problems {
		t.Errorf("Compile: got %v, want no problem", p)
	}
	return set
}

func TestFaultsOfTheSigmaHQRulesAreFoundAndNothingElse(t *testing.T) {
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("skipped: no %s", corpus)
	}
	set := compile(t, os.DirFS(corpus), "*.yml")
	got := map[string][]string{}
	for _, f := range lint.Lint(set, shipped(t)) {
		t.Log(f)
		got[f.File] = append(got[f.File], string(f.Severity)+" "+f.Check)
	}
	want := map[string][]string{
		// status is no field of a record.
		"aws_delete_saml_provider.yml": {"warning never-matches", "warning unknown-field"},
		// * matches every value, so the filters ask for absence.
		"aws_ec2_vm_export_failure.yml": {"warning negated-wildcard", "warning negated-wildcard"},
		// Cache security groups have no egress.
		"aws_elasticache_security_group_modified_or_deleted.yml": {"warning unknown-event", "warning unknown-event"},
		// A literal where a field reference was meant.
		"aws_iam_backdoor_users_keys.yml": {"warning literal-field-name"},
		// Domains have an event source of their own.
		"aws_route_53_domain_transferred_lock_disabled.yml":      {"warning never-matches", "warning event-of-other-service"},
		"aws_route_53_domain_transferred_to_another_account.yml": {"warning never-matches", "warning event-of-other-service"},
		// Names of IAM actions, which S3 does not log.
		"aws_s3_data_management_tampering.yml": {"warning event-of-other-service", "warning event-of-other-service", "warning event-of-other-service", "warning unknown-event"},
		// A full ARN compared with a bare user name.
		"aws_update_login_profile.yml": {"warning arn-and-name"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings of %d rules: (-want +got)\n%s", len(set.Rules()), diff)
	}
	t.Logf("%d of %d rules have a fault", len(got), len(set.Rules()))
}

func TestShippedDetectionsHaveNoFault(t *testing.T) {
	set := compile(t, content.Files, "detections/*.yaml")
	for _, f := range lint.Lint(set, shipped(t)) {
		if f.Severity != lint.Info {
			t.Errorf("got %v, want nothing above info", f)
		}
	}
}

func TestEveryEventNameOfTheShippedDetectionsExists(t *testing.T) {
	set, api := compile(t, content.Files, "detections/*.yaml"), shipped(t)
	checked := 0
	for i, r := range set.Rules() {
		for _, name := range eventNames(set.Logic(i)) {
			checked++
			if !api.Has(name) {
				t.Errorf("%s: %s: got no such event, want an API operation or a line in content/api/events.txt", r.File, name)
			}
		}
	}
	if checked < 85 {
		t.Errorf("event names: got %d, want those of the whole pack", checked)
	}
}

// eventNames are the event names that items without modifiers ask for.
func eventNames(l *sigma.Logic) []string {
	var out []string
	if l.Op == sigma.LogicItem && l.Item.Key == "eventName" {
		for _, v := range l.Item.Values {
			out = append(out, v.Text)
		}
	}
	for _, o := range l.Of {
		out = append(out, eventNames(o)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
