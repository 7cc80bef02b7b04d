// Package awsrole writes a role that rootkeep enters in accounts: its policy and who may
// enter it go in; CloudFormation, Terraform or plain JSON come out. Sessions of the role
// have to name a source identity, so that CloudTrail tells what they were for.
package awsrole

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Role is what is written.
type Role struct {
	Name   string
	Title  string // of the template, a sentence without the stop
	About  string // the role's description
	Head   string // what the first lines of the file say, lines of text
	Enters Entrant
	Policy Policy
}

// Entrant is who may enter a role, and as what.
type Entrant struct {
	Word string // in the names of parameters: scanner, broker
	Does string // after "the user or role that"
	// Sources are the patterns of the source identities of its sessions, such as SC-*.
	Sources    []string
	ARN        string // "" is asked for when the template is used; JSON needs it
	ExternalID string // that it has to give, "" for none
}

// Policy is the only policy of a role.
type Policy struct {
	Name       string // word
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid       string
	Effect    string
	Action    any // a text or a list of texts
	Resource  any
	Condition map[string]map[string]any `json:",omitempty"`
}

// Partitions are the parts of AWS that a role can be for.
func Partitions() []string { return []string{"aws", "aws-cn", "aws-us-gov"} }

//go:embed *.tmpl
var files embed.FS

var (
	// roleName is IAM's form of a role's name (IAM API Reference, CreateRole).
	roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	// externalID is STS's form of an external ID (AWS STS API Reference, AssumeRole).
	externalID = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	// principal is who can be named as the one who enters: an account, a user or a role.
	principal = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[\x21\x23-\x5b\x5d-\x7e]{1,512})$`)
)

// check refuses what could not stand in a template, or in AWS.
func (r Role) check() error {
	switch {
	case !roleName.MatchString(r.Name):
		return fmt.Errorf("role name %q: want up to 64 letters, digits and +=,.@_-", r.Name)
	case r.Enters.ARN != "" && (!principal.MatchString(r.Enters.ARN) || strings.Contains(r.Enters.ARN, "${")):
		return fmt.Errorf("%s %q: want the ARN of a user, a role or an account, such as arn:aws:iam::111122223333:role/rootkeep", r.Enters.Word, r.Enters.ARN)
	case r.Enters.ExternalID != "" && (!externalID.MatchString(r.Enters.ExternalID) || len(r.Enters.ExternalID) > 1224):
		return fmt.Errorf("external ID %q: want 2 to 1,224 letters, digits and +=,.@:/_-", r.Enters.ExternalID)
	}
	return nil
}

// formats that Write knows, with how each writes.
var formats = map[string]func(Role, io.Writer) error{
	"cloudformation": Role.cloudFormation, "terraform": Role.terraform, "policy": Role.policy, "json": Role.json,
}

// Write writes the role in a format: cloudformation, terraform, json (the role and its
// policies by the names of IAM's API) or policy.
func (r Role) Write(w io.Writer, format string) error {
	write, ok := formats[format]
	if !ok {
		return fmt.Errorf("format %q is not known", format)
	}
	if err := r.check(); err != nil {
		return err
	}
	return write(r, w)
}

func (r Role) cloudFormation(w io.Writer) error {
	given := ""
	if r.Enters.ARN != "" {
		given = "\n    Default: " + quote(r.Enters.ARN)
	}
	return r.fill(w, "cloudformation.tmpl", given, r.Enters.ExternalID)
}

func (r Role) terraform(w io.Writer) error {
	given, external := "", "null"
	if r.Enters.ARN != "" {
		given = "\n  default     = " + quote(r.Enters.ARN)
	}
	if r.Enters.ExternalID != "" {
		external = quote(r.Enters.ExternalID)
	}
	return r.fill(w, "terraform.tmpl", given, external)
}

// sources are the patterns as YAML and Terraform both write them.
func (e Entrant) sources() string {
	if len(e.Sources) == 1 {
		return quote(e.Sources[0])
	}
	return `["` + strings.Join(e.Sources, `", "`) + `"]`
}

// One is the only element of a list, or the list: policies have both forms, and IAM reads
// them the same.
func One(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// quote puts text in quotation marks that has none and no backslash, which check sees to.
func quote(s string) string { return `"` + s + `"` }

// fill puts the role in the places of a template, the policy as far to the right as its
// place is. text/template would keep every method of AWS's clients alive in the program.
func (r Role) fill(w io.Writer, file, given, external string) error {
	text, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	word := r.Enters.Word
	out := strings.NewReplacer(
		"{{head}}", "# "+strings.ReplaceAll(r.Head, "\n", "\n# "), "{{title}}", r.Title, "{{about}}", r.About, "{{name}}", r.Name,
		"{{entrant}}", word, "{{Entrant}}", strings.ToUpper(word[:1])+word[1:], "{{does}}", r.Enters.Does, "{{source}}", r.Enters.sources(),
		"{{default}}", given, "{{external}}", external, "{{policy_name}}", r.Policy.Name,
	).Replace(string(text))
	before, after, _ := strings.Cut(out, "{{policy}}")
	margin := before[strings.LastIndexByte(before, '\n')+1:]
	_, err = io.WriteString(w, before+strings.ReplaceAll(string(r.Policy.JSON()), "\n", "\n"+margin)+after)
	return err
}

func (r Role) policy(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s\n", r.Policy.JSON())
	return err
}

// json writes the role as IAM's API takes it.
func (r Role) json(w io.Writer) error {
	if r.Enters.ARN == "" {
		return fmt.Errorf("the %s is not named; hint: in JSON it has to be, as an ARN", r.Enters.Word)
	}
	type inline struct {
		PolicyName     string
		PolicyDocument document
	}
	_, err := w.Write(append(encode(struct {
		Schema                   string `json:"schema"`
		RoleName                 string
		Description              string
		MaxSessionDuration       int // seconds
		AssumeRolePolicyDocument any
		Policies                 []inline
	}{"rootkeep/role/1", r.Name, r.About, 3600, r.Enters.trust(), []inline{{r.Policy.Name, r.Policy.document()}}}), '\n'))
	return err
}

// trust is the policy that says who may enter, as the templates have it. Setting the
// source identity is allowed once more by itself: AWS names no external ID among what
// it compares then (Service Authorization Reference, "AWS STS").
func (e Entrant) trust() any {
	type statement struct {
		Effect    string
		Principal map[string]string
		Action    any
		Condition map[string]map[string]any
	}
	who := map[string]string{"AWS": e.ARN}
	source := map[string]map[string]any{"StringLike": {"sts:SourceIdentity": One(e.Sources)}}
	enter := map[string]map[string]any{"StringLike": source["StringLike"]}
	if e.ExternalID != "" {
		enter["StringEquals"] = map[string]any{"sts:ExternalId": e.ExternalID}
	}
	return struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", who, []string{"sts:AssumeRole", "sts:SetSourceIdentity"}, enter}, {"Allow", who, "sts:SetSourceIdentity", source}}}
}

type document struct {
	Version   string
	Statement []Statement
}

func (p Policy) document() document { return document{"2012-10-17", slices.Clip(p.Statements)} }

// JSON is the policy as IAM takes it.
func (p Policy) JSON() []byte { return encode(p.document()) }

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	// Texts and lists of texts always have a JSON form.
	_ = e.Encode(v)
	return bytes.TrimSpace(b.Bytes())
}
