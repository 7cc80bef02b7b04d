package securityhub

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// standard is a security standard that may be enabled.
type standard struct {
	path, name string // path is the end of its ARN
	old        bool   // its ARN names no Region
	byDefault  bool
}

var standards = []standard{
	{"ruleset/cis-aws-foundations-benchmark/v/1.2.0", "CIS AWS Foundations Benchmark v1.2.0", true, true},
	{"standards/aws-foundational-security-best-practices/v/1.0.0", "AWS Foundational Security Best Practices v1.0.0", false, true},
	{"standards/cis-aws-foundations-benchmark/v/3.0.0", "CIS AWS Foundations Benchmark v3.0.0", false, false},
	{"standards/cis-aws-foundations-benchmark/v/5.0.0", "CIS AWS Foundations Benchmark v5.0.0", false, false},
	{"standards/nist-800-53/v/5.0.0", "NIST Special Publication 800-53 Revision 5", false, false},
	{"standards/pci-dss/v/4.0.1", "PCI DSS v4.0.1", false, false},
}

func (s standard) arn(region string) string {
	if s.old {
		return "arn:aws:securityhub:::" + s.path
	}
	return "arn:aws:securityhub:" + region + "::" + s.path
}

// control is a check of a standard: those about root, logging and monitoring of root.
type control struct{ id, title, severity string }

var controls = []control{
	{"CloudTrail.1", "CloudTrail should be enabled and configured with at least one multi-Region trail that includes read and write management events", "HIGH"},
	{"CloudTrail.4", "CloudTrail log file validation should be enabled", "LOW"},
	{"CloudWatch.1", "A log metric filter and alarm should exist for usage of the \"root\" user", "LOW"},
	{"Config.1", "AWS Config should be enabled and use the service-linked role for resource recording", "CRITICAL"},
	{"IAM.4", "IAM root user access key should not exist", "CRITICAL"},
	{"IAM.6", "Hardware MFA should be enabled for the root user", "CRITICAL"},
	{"IAM.9", "MFA should be enabled for the root user", "CRITICAL"},
}

// has says whether a standard has a control: the best practices have no alarm on root.
func (s standard) has(k control) bool {
	return k.id != "CloudWatch.1" || !strings.Contains(s.path, "best-practices")
}

// subscription is a standard that an account has enabled in a Region.
type subscription struct {
	standard standard
	arn      string
	disabled map[string]disabledControl // by control ID
}

type disabledControl struct {
	reason string
	since  time.Time
}

func (h *hub) subscribe(c *cloud.Call, s standard) *subscription {
	_, rest, _ := strings.Cut(s.path, "/")
	out := &subscription{s, c.ARN("subscription/" + rest), map[string]disabledControl{}}
	if old := h.standards[out.arn]; old != nil {
		return old
	}
	h.standards[out.arn] = out
	return out
}

type standardShape struct {
	StandardsArn, Name, Description string
	EnabledByDefault                bool
}

type standardsOut struct {
	Standards []standardShape
	NextToken string
}

func describeStandards(c *cloud.Call, in paged) (out standardsOut, err error) {
	if _, err := enabled(c); err != nil {
		return out, err
	}
	var all []standardShape
	for _, s := range standards {
		all = append(all, standardShape{s.arn(c.Region), s.name, s.name, s.byDefault})
	}
	out.Standards, out.NextToken, err = cut(c, in, all)
	return out, err
}

type subscriptionShape struct {
	StandardsSubscriptionArn, StandardsArn, StandardsStatus, StandardsControlsUpdatable string
	StandardsInput                                                                      map[string]string
}

func (s *subscription) show(c *cloud.Call) subscriptionShape {
	return subscriptionShape{s.arn, s.standard.arn(c.Region), "READY", "READY_FOR_UPDATES", map[string]string{}}
}

type enabledIn struct {
	StandardsSubscriptionArns []string
	NextToken                 string
	MaxResults                int
}

type subscriptionsOut struct {
	StandardsSubscriptions []subscriptionShape
	NextToken              string
}

func getEnabled(c *cloud.Call, in enabledIn) (out subscriptionsOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	var all []subscriptionShape
	for _, s := range cloud.Sorted(h.standards) {
		if len(in.StandardsSubscriptionArns) == 0 || slices.Contains(in.StandardsSubscriptionArns, s.arn) {
			all = append(all, s.show(c))
		}
	}
	out.StandardsSubscriptions, out.NextToken, err = cut(c, paged{in.NextToken, in.MaxResults}, all)
	return out, err
}

type enableStandardsIn struct {
	StandardsSubscriptionRequests []struct {
		StandardsArn   string `aws:",must"`
		StandardsInput map[string]string
	} `aws:",must"`
}

func enableStandards(c *cloud.Call, in enableStandardsIn) (out subscriptionsOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	for _, r := range in.StandardsSubscriptionRequests {
		i := slices.IndexFunc(standards, func(s standard) bool { return s.arn(c.Region) == r.StandardsArn })
		if i < 0 {
			return out, c.Invalid("Invalid parameter 'StandardsArn': %s", r.StandardsArn)
		}
		out.StandardsSubscriptions = append(out.StandardsSubscriptions, h.subscribe(c, standards[i]).show(c))
	}
	return out, nil
}

type disableStandardsIn struct {
	StandardsSubscriptionArns []string `aws:",must"`
}

func disableStandards(c *cloud.Call, in disableStandardsIn) (out subscriptionsOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	for _, arn := range in.StandardsSubscriptionArns {
		s := h.standards[arn]
		if s == nil {
			return out, c.Invalid("%s is not enabled", arn)
		}
		shape := s.show(c)
		shape.StandardsStatus = "DELETING"
		out.StandardsSubscriptions = append(out.StandardsSubscriptions, shape)
		delete(h.standards, arn)
	}
	return out, nil
}

type controlsIn struct {
	StandardsSubscriptionArn string `aws:"StandardsSubscriptionArn,uri"`
	paged
}

type controlShape struct {
	StandardsControlArn, ControlStatus, DisabledReason, ControlId, Title, Description, SeverityRating string
	ControlStatusUpdatedAt                                                                            time.Time
}

type controlsOut struct {
	Controls  []controlShape
	NextToken string
}

// controlARN is the name of a control under a subscription.
func (s *subscription) controlARN(id string) string {
	return strings.Replace(s.arn, ":subscription/", ":control/", 1) + "/" + id
}

func describeControls(c *cloud.Call, in controlsIn) (out controlsOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	s := h.standards[in.StandardsSubscriptionArn]
	if s == nil {
		return out, cloud.Fail("ResourceNotFoundException", 404, "%s is not enabled", in.StandardsSubscriptionArn)
	}
	var all []controlShape
	for _, k := range controls {
		if !s.standard.has(k) {
			continue
		}
		shape := controlShape{StandardsControlArn: s.controlARN(k.id), ControlStatus: "ENABLED", ControlId: k.id, Title: k.title, Description: k.title, SeverityRating: k.severity, ControlStatusUpdatedAt: h.subscribed}
		if off, ok := s.disabled[k.id]; ok {
			shape.ControlStatus, shape.DisabledReason, shape.ControlStatusUpdatedAt = "DISABLED", off.reason, off.since
		}
		all = append(all, shape)
	}
	out.Controls, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type updateControlIn struct {
	StandardsControlArn string `aws:"StandardsControlArn,uri"`
	ControlStatus       string `aws:",must"`
	DisabledReason      string
}

func updateControl(c *cloud.Call, in updateControlIn) (cloud.None, error) {
	h, err := enabled(c)
	if err != nil {
		return cloud.None{}, err
	}
	for _, s := range h.standards {
		for _, k := range controls {
			if s.controlARN(k.id) != in.StandardsControlArn || !s.standard.has(k) {
				continue
			}
			switch {
			case in.ControlStatus == "ENABLED":
				delete(s.disabled, k.id)
			case in.ControlStatus == "DISABLED" && in.DisabledReason != "":
				s.disabled[k.id] = disabledControl{in.DisabledReason, c.Now}
			default:
				return cloud.None{}, c.Invalid("ControlStatus must be ENABLED, or DISABLED with a reason")
			}
			return cloud.None{}, nil
		}
	}
	return cloud.None{}, cloud.Fail("ResourceNotFoundException", 404, "%s is not found", in.StandardsControlArn)
}

type associationID struct {
	SecurityControlId string `aws:",must"`
	StandardsArn      string `aws:",must"`
}

type associationsIn struct {
	StandardsControlAssociationIds []associationID `aws:",must"`
}

type association struct {
	associationID
	SecurityControlArn, AssociationStatus, StandardsControlTitle, UpdatedReason string
	UpdatedAt                                                                   time.Time
}

type unprocessedAssociation struct {
	StandardsControlAssociationId associationID
	ErrorCode, ErrorReason        string
}

type associationsOut struct {
	StandardsControlAssociationDetails []association
	UnprocessedAssociations            []unprocessedAssociation
}

// maxAssociations is how many pairs one call may ask for.
const maxAssociations = 100

func getAssociations(c *cloud.Call, in associationsIn) (out associationsOut, err error) {
	h, err := enabled(c)
	switch {
	case err != nil:
		return out, err
	case len(in.StandardsControlAssociationIds) > maxAssociations:
		return out, c.Invalid("at most %d associations may be asked for at once", maxAssociations)
	}
	for _, id := range in.StandardsControlAssociationIds {
		if found := h.association(c, id); found != nil {
			out.StandardsControlAssociationDetails = append(out.StandardsControlAssociationDetails, *found)
		} else {
			out.UnprocessedAssociations = append(out.UnprocessedAssociations, unprocessedAssociation{id, "NOT_FOUND", "The control is not associated with the standard"})
		}
	}
	return out, nil
}

// association is nil if the standard does not have the control. One that is not enabled
// has its controls disabled.
func (h *hub) association(c *cloud.Call, id associationID) *association {
	i := slices.IndexFunc(standards, func(s standard) bool { return s.arn(c.Region) == id.StandardsArn })
	k := slices.IndexFunc(controls, func(k control) bool { return k.id == id.SecurityControlId })
	if i < 0 || k < 0 || !standards[i].has(controls[k]) {
		return nil
	}
	out := &association{
		associationID: id, SecurityControlArn: c.ARN("security-control/" + id.SecurityControlId), AssociationStatus: "DISABLED", StandardsControlTitle: controls[k].title, UpdatedAt: h.subscribed,
	}
	for _, s := range h.standards {
		if s.standard == standards[i] {
			if off, ok := s.disabled[id.SecurityControlId]; ok {
				out.UpdatedReason, out.UpdatedAt = off.reason, off.since
			} else {
				out.AssociationStatus = "ENABLED"
			}
		}
	}
	return out
}

type associationUpdate struct {
	associationID
	AssociationStatus string `aws:",must"`
	UpdatedReason     string
}

type updateAssociationsIn struct {
	StandardsControlAssociationUpdates []associationUpdate `aws:",must"`
}

type unprocessedUpdate struct {
	StandardsControlAssociationUpdate associationUpdate
	ErrorCode, ErrorReason            string
}

type updateAssociationsOut struct{ UnprocessedAssociationUpdates []unprocessedUpdate }

// updateAssociations switches controls in the standards that are enabled. What it could
// not do is in the answer, and no error.
func updateAssociations(c *cloud.Call, in updateAssociationsIn) (out updateAssociationsOut, err error) {
	h, err := enabled(c)
	switch {
	case err != nil:
		return out, err
	case len(in.StandardsControlAssociationUpdates) > maxAssociations:
		return out, c.Invalid("at most %d associations may be updated at once", maxAssociations)
	}
	for _, u := range in.StandardsControlAssociationUpdates {
		s := h.enabledStandard(c, u.StandardsArn)
		known := h.association(c, u.associationID) != nil && s != nil
		switch {
		case known && u.AssociationStatus == "ENABLED":
			delete(s.disabled, u.SecurityControlId)
		case known && u.AssociationStatus == "DISABLED" && u.UpdatedReason != "":
			s.disabled[u.SecurityControlId] = disabledControl{u.UpdatedReason, c.Now}
		default:
			out.UnprocessedAssociationUpdates = append(out.UnprocessedAssociationUpdates, unprocessedUpdate{u, "INVALID_INPUT", "The standard is not enabled, does not have the control, or no reason was given"})
		}
	}
	return out, nil
}

// enabledStandard is the subscription to a standard, nil if there is none.
func (h *hub) enabledStandard(c *cloud.Call, arn string) *subscription {
	for _, s := range h.standards {
		if s.standard.arn(c.Region) == arn {
			return s
		}
	}
	return nil
}
