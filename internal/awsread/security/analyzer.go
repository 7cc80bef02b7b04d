package security

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	analyzertypes "github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const listAnalyzers = "access-analyzer:ListAnalyzers"

// analyzerOperations tell of IAM Access Analyzer: one call in a Region that has none.
func analyzerOperations() []call.Operation {
	return []call.Operation{
		{Action: listAnalyzers, Regional: true, Read: everywhere(analyzers)},
		{Action: "access-analyzer:ListFindings", Regional: true, Of: eachRegion(hasAnalyzer), ReadOne: there(activeFindings), Needs: listAnalyzers},
	}
}

func analyzers(ctx context.Context, p *call.Place, _ []string) (func(*facts.Region), error) {
	client := accessanalyzer.NewFromConfig(p.AWS)
	list, err := call.Gather(p, func(token *string) ([]facts.Analyzer, *string, error) {
		out, err := call.Ask(ctx, p, client.ListAnalyzers, &accessanalyzer.ListAnalyzersInput{NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		var page []facts.Analyzer
		for _, a := range out.Analyzers {
			page = append(page, facts.Analyzer{ARN: aws.ToString(a.Arn), Type: string(a.Type), Status: string(a.Status)})
		}
		return page, out.NextToken, nil
	})
	return func(r *facts.Region) { r.Analyzers = list }, err
}

// hasAnalyzer gives the ARNs of the analyzers of external access.
func hasAnalyzer(r *facts.Region) (arns []string, ok bool) {
	for _, a := range r.Analyzers {
		if t := analyzertypes.Type(a.Type); t == analyzertypes.TypeAccount || t == analyzertypes.TypeOrganization {
			arns = append(arns, a.ARN)
		}
	}
	return arns, len(arns) > 0
}

// activeFindings counts over all analyzers of external access. An access that two of
// them see is a finding of each.
func activeFindings(ctx context.Context, p *call.Place, arns []string) (func(*facts.Region), error) {
	client := accessanalyzer.NewFromConfig(p.AWS)
	var all facts.Count
	p.Plan(len(arns) - 1)
	for _, arn := range arns {
		in := &accessanalyzer.ListFindingsInput{AnalyzerArn: &arn, MaxResults: aws.Int32(100), Filter: map[string]analyzertypes.Criterion{"status": {Eq: []string{"ACTIVE"}}}}
		n, err := p.Count(func(token *string) (int, *string, error) {
			in.NextToken = token
			out, err := call.Ask(ctx, p, client.ListFindings, in)
			if err != nil {
				return 0, nil, err
			}
			return len(out.Findings), out.NextToken, nil
		})
		if err != nil {
			return nil, err
		}
		all.N, all.More = all.N+n.N, all.More || n.More
	}
	return func(r *facts.Region) { r.ActiveFindings = all }, nil
}
