package exchange

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// ScanOCSF writes one Compliance Finding a line (Open Cybersecurity Schema Framework
// 1.3.0, class 2003, profile cloud). What is not known is a Warning, which OCSF has for
// missing information, and what does not apply is Other. What somebody accepts fails, and
// its finding is Suppressed.
func ScanOCSF(w io.Writer, a *assessment.Assessment) error {
	out := bufio.NewWriter(w)
	for i := range a.Findings {
		b, err := json.Marshal(newCompliance(a, &a.Findings[i]))
		if err != nil {
			return fmt.Errorf("write finding of %s as OCSF: %w", a.Findings[i].Control, err)
		}
		out.Write(append(text.Inert(b), '\n')) // an error stays until Flush
	}
	return out.Flush()
}

type ocsfCompliance struct {
	ocsfHead
	Message     string             `json:"message"`
	Metadata    ocsfMetadata       `json:"metadata"`
	Info        ocsfControlInfo    `json:"finding_info"`
	Compliance  ocsfVerdict        `json:"compliance"`
	Cloud       ocsfCloud          `json:"cloud"`
	Resources   []ocsfOwned        `json:"resources"`
	Remediation *ocsfDescription   `json:"remediation,omitempty"`
	Unmapped    *ocsfUnmappedFacts `json:"unmapped,omitempty"`
}

type ocsfControlInfo struct {
	UID         string       `json:"uid"`
	Title       string       `json:"title"`
	Desc        string       `json:"desc,omitempty"`
	Created     int64        `json:"created_time"`
	DataSources []string     `json:"data_sources"`
	Analytic    ocsfAnalytic `json:"analytic"`
}

type ocsfVerdict struct {
	Control      string   `json:"control"`
	Requirements []string `json:"requirements"`
	Standards    []string `json:"standards"`
	StatusID     int      `json:"status_id"`
	Status       string   `json:"status"`
	StatusCode   string   `json:"status_code"` // rootkeep's own word
	StatusDetail string   `json:"status_detail,omitempty"`
}

type ocsfOwned struct {
	UID       string `json:"uid"`
	Type      string `json:"type,omitempty"` // the AWS service
	Region    string `json:"region,omitempty"`
	Partition string `json:"cloud_partition,omitempty"`
}

type ocsfUnmappedFacts struct {
	Missing     []string            `json:"missing,omitempty"`
	Permissions []string            `json:"permissions,omitempty"`
	Exception   *rootkeep.Exception `json:"exception,omitempty"`
}

func newCompliance(a *assessment.Assessment, f *rootkeep.Finding) ocsfCompliance {
	o := ocsfCompliance{
		ocsfHead: newHead(2003, "Compliance Finding", f.Severity, a.Judged), Message: message(f),
		Metadata: ocsfMetadata{Version: ocsfVersion, Profiles: []string{"cloud"}, UID: f.ID()},
		Info: ocsfControlInfo{
			UID: f.ID(), Title: f.Title, Created: a.Judged.UnixMilli(), DataSources: []string{"AWS"},
			Analytic: ocsfAnalytic{UID: f.Control, Name: f.Control, Desc: f.Title, TypeID: 1, Type: "Rule"},
		},
		Compliance: ocsfVerdict{Control: f.Control, Requirements: []string{f.Control}, Standards: []string{"rootkeep controls"}, StatusCode: f.Status.String(), StatusDetail: f.Detail},
		Cloud:      ocsfCloud{Provider: "AWS", Account: awsAccount(f.Account), Region: string(f.Region)},
		Resources:  []ocsfOwned{{UID: f.Resource, Region: string(f.Region)}},
	}
	o.Metadata.Product.Name, o.Metadata.Product.VendorName, o.Metadata.Product.Version = "rootkeep", "rootkeep", a.Version
	o.status(f)
	if arn, err := rootkeep.ParseARN(f.Resource); err == nil {
		o.Resources[0].Type, o.Resources[0].Partition = arn.Service, arn.Partition
	}
	if c := a.Control(f.Control); c != nil {
		o.Info.Desc = text.Visible(c.Why, 0)
		if f.Status == rootkeep.Fail || f.Status == rootkeep.Excepted {
			o.Remediation = &ocsfDescription{text.Visible(cmp.Or(c.Fix.Console, c.Fix.CLI), 0)}
		}
	}
	if len(f.Missing)+len(f.Permissions) > 0 || f.Exception != nil {
		o.Unmapped = &ocsfUnmappedFacts{f.Missing, f.Permissions, f.Exception}
	}
	return o
}

// status is that of the check and that of the finding. What passes or does not apply is
// a resolved finding of no severity.
func (o *ocsfCompliance) status(f *rootkeep.Finding) {
	c := &o.Compliance
	switch f.Status {
	case rootkeep.Pass:
		c.StatusID, c.Status, o.StatusID, o.Status = 1, "Pass", 4, "Resolved"
		o.SeverityID, o.Severity = ocsfSeverity(rootkeep.Informational)
	case rootkeep.NotApplicable:
		c.StatusID, c.Status, o.StatusID, o.Status = 99, "Not applicable", 4, "Resolved"
		o.SeverityID, o.Severity = ocsfSeverity(rootkeep.Informational)
	case rootkeep.Fail:
		c.StatusID, c.Status = 3, "Fail"
	case rootkeep.Excepted:
		c.StatusID, c.Status, o.StatusID, o.Status = 3, "Fail", 3, "Suppressed"
		if e := f.Exception; e != nil {
			c.StatusDetail = fmt.Sprintf("accepted by %s until %s: %s", e.Owner, e.Until.UTC().Format(time.DateOnly), e.Reason)
		}
	default:
		c.StatusID, c.Status = 2, "Warning"
	}
}
