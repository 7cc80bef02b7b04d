package finding

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// hub is a finding in the AWS Security Finding Format, of Security Hub itself or of a
// product that it takes findings of.
//
// Source: AWS Security Hub User Guide, "AWS Security Finding Format (ASFF)".
type hub struct {
	ID              string
	ProductARN      string
	ProductName     string
	GeneratorID     string
	AWSAccountID    string
	Region          string
	Types           []string
	FirstObservedAt string
	LastObservedAt  string
	CreatedAt       string
	UpdatedAt       string
	Severity        struct {
		Label      string
		Normalized *float64
	}
	Title         string
	Description   string
	Remediation   struct{ Recommendation struct{ Text, URL string } }
	ProductFields map[string]string
	Resources     []resource
	Detection     detection
	Compliance    struct{ Status, SecurityControlID string }
	Workflow      struct{ Status string }
	RecordState   string
}

type resource struct {
	Type, ID, Partition, Region string
	Details                     struct {
		AWSIAMAccessKey *struct{ PrincipalID, PrincipalName, PrincipalType, UserName string }
	}
}

// own says whether rootkeep sent the finding.
func (h *hub) own() bool {
	return h.ProductName == "rootkeep" && strings.HasPrefix(h.ID, "rootkeep/") && strings.HasSuffix(h.ProductARN, ":product/"+h.AWSAccountID+"/default")
}

func (h *hub) sighting() (*alert.Sighting, error) {
	level, err := hubLevel(h.Severity.Label, h.Severity.Normalized)
	if err != nil {
		return nil, err
	}
	advice := h.Remediation.Recommendation
	s := said{
		id: h.ID, account: h.AWSAccountID, region: h.Region, product: cmp.Or(h.ProductName, "AWS Security Hub"), title: h.Title, about: h.Description, level: level,
		first: cmp.Or(h.FirstObservedAt, h.CreatedAt), last: cmp.Or(h.LastObservedAt, h.UpdatedAt), heard: h.UpdatedAt, over: h.over(),
		advice: strings.TrimSpace(advice.Text + " " + advice.URL), notes: h.Detection.others(),
	}
	if strings.HasSuffix(h.ProductARN, ":product/aws/guardduty") {
		h.ofGuardDuty(&s)
	}
	s.rule = h.rule(s.kind)
	s.actor = h.actor(s.kind)
	return s.sighting()
}

// over is why the finding is over. One about a check that came to nothing is no failure.
func (h *hub) over() string {
	switch {
	case h.RecordState == "ARCHIVED":
		return "archived in Security Hub"
	case h.Workflow.Status == "RESOLVED" || h.Workflow.Status == "SUPPRESSED":
		return strings.ToLower(h.Workflow.Status) + " in Security Hub"
	case h.Compliance.Status == "PASSED":
		return "passed in Security Hub"
	}
	return ""
}

// ofGuardDuty reads what GuardDuty says beside the format: its type, and its own fields.
// The type is the last part of the first of Security Hub's, mostly with a hyphen for its slash:
// some types have a second one, which names another type.
func (h *hub) ofGuardDuty(s *said) {
	for _, t := range h.Types {
		before, _, ok := strings.Cut(t, ":")
		if !ok {
			continue
		}
		s.kind = t[strings.LastIndexByte(before, '/')+1:]
		if !strings.Contains(s.kind, "/") {
			s.kind = strings.Replace(s.kind, "-", "/", 1)
		}
		break
	}
	const service = "aws/guardduty/service/"
	n, _ := strconv.ParseFloat(h.ProductFields[service+"count"], 64) // what is no number is one
	s.count = whole(n)
	for _, action := range []string{"awsApiCallAction", "networkConnectionAction", "kubernetesApiCallAction", "rdsLoginAttemptAction", "portProbeAction/portProbeDetails.0_"} {
		from := service + "action/" + action + "/remoteIpDetails/"
		if len(s.addresses) == 0 {
			s.from(cmp.Or(h.ProductFields[from+"ipAddressV4"], h.ProductFields[from+"ipAddressV6"]), h.ProductFields[from+"organization/asnOrg"])
		}
	}
	if name := h.ProductFields[service+"action/awsApiCallAction/api"]; name != "" {
		s.actions = []rootkeep.Count{{Text: text.Visible(name, longestName), Count: max(1, s.count)}}
	}
	if s.over == "" && h.ProductFields[service+"archived"] == "true" {
		s.over = "archived in GuardDuty"
	}
}

var other = regexp.MustCompile(`[^a-z0-9]+`)

// rule is the name under which the finding is a rule: the type of GuardDuty, the control, or
// what the product calls its generator.
func (h *hub) rule(kind string) string {
	product := strings.Trim(other.ReplaceAllString(strings.ToLower(h.ProductName), "-"), "-")
	switch {
	case kind != "":
		return dutyRule(kind)
	case h.Compliance.SecurityControlID != "":
		return "securityhub/" + h.Compliance.SecurityControlID
	case product == "" || h.GeneratorID == "":
		return ""
	}
	return product + "/" + h.GeneratorID
}

// actor is who the finding is about: whose key, a user, a role, or the first resource.
func (h *hub) actor(kind string) rootkeep.Actor {
	root := kind == RootUse || kind == ShortRootUse
	if c := h.Detection.credential(); c != nil {
		return actor(kind, rootkeep.Region(h.Region).Partition(), h.AWSAccountID, c)
	}
	for _, r := range h.Resources {
		partition := cmp.Or(r.Partition, rootkeep.Region(h.Region).Partition())
		if k := r.Details.AWSIAMAccessKey; k != nil {
			key := r.ID[strings.LastIndexByte(r.ID, ':')+1:]
			return actor(kind, partition, h.AWSAccountID, &credential{key, k.PrincipalID, cmp.Or(k.PrincipalName, k.UserName), k.PrincipalType})
		}
		if is := principals[r.Type]; is != "" && !root {
			return rootkeep.Actor{Type: is, Account: rootkeep.AccountID(h.AWSAccountID), ARN: r.ID, Principal: r.ID}
		}
	}
	if root {
		return actor(kind, rootkeep.Region(h.Region).Partition(), h.AWSAccountID, nil)
	}
	if len(h.Resources) > 0 && h.Resources[0].ID != "" {
		return rootkeep.Actor{Principal: h.Resources[0].ID}
	}
	return rootkeep.Actor{Principal: "account " + h.AWSAccountID}
}

// principals are types of resources that act, with the type of their identity.
var principals = map[string]string{"AwsIamUser": "IAMUser", "AwsIamRole": "AssumedRole"}
