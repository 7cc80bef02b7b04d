package deployment

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/cost"
	"github.com/rootkeep/rootkeep/internal/deploy"
)

// Every line of an estimate is of a part of the stack, but for the security keys.
func TestCostsAreOfPartsOfTheStack(t *testing.T) {
	for _, p := range cost.Parts() {
		if p != "devices" && !slices.Contains(partNames(), p) {
			t.Errorf("got lines of part %s, which the stack has not", p)
		}
	}
}

// The usual numbers of an estimate are those of the usual stack outside us-east-1.
func TestUsualNumbersAreTheStacks(t *testing.T) {
	s, err := deploy.Build(deploy.Options{Home: "eu-west-1", Without: []deploy.Part{deploy.Role}})
	if err != nil {
		t.Fatal(err)
	}
	usual := cost.Usual()
	for _, q := range stackQuantities(s) {
		i := slices.IndexFunc(usual, func(u cost.Quantity) bool { return u.ID == q.ID })
		if i < 0 || usual[i].Value != q.Value {
			t.Errorf("%s: got %d in the stack, want what an estimate takes", q.ID, q.Value)
		}
	}
}

// CloudFormation takes a template of 51,200 bytes without a bucket to take it from
// (AWS CloudFormation User Guide, "AWS CloudFormation quotas").
func TestTemplatesNeedNoBucket(t *testing.T) {
	f := renderFlags{format: "cloudformation", options: deploy.Options{Home: "eu-west-1", Organization: "o-a1b2c3d4e5", Management: "111122223333", LockMode: "compliance", Webhook: true, ExternalID: "7f3a"}}
	f.options.Name = "rootkeep-of-the-firm"
	for range 5 {
		f.options.Emails = append(f.options.Emails, strings.Repeat("x", 10+len(f.options.Emails))+"@security.example.com")
	}
	if err := f.account.Set("222233334444"); err != nil {
		t.Fatal(err)
	}
	s, err := f.stack()
	if err != nil {
		t.Fatal(err)
	}
	files, err := f.files(s)
	if err != nil || len(files) != 4 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, one := range files {
		if len(one.text) > 51_200 {
			t.Errorf("%s: got %d bytes", one.name, len(one.text))
		}
	}
}
