package call

import (
	"context"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rootkeep/rootkeep"
)

// Control is the client of S3 for what is of an account.
func Control(c aws.Config, options ...func(*s3control.Options)) *s3control.Client {
	return s3control.NewFromConfig(c, append(options, func(o *s3control.Options) { o.APIOptions = append(o.APIOptions, bareAddress) })...)
}

// bareAddress takes away again what S3 Control puts before the name of its host, the
// account's number, where the host has an address in place of a name: a simulator's.
func bareAddress(stack *middleware.Stack) error {
	strip := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			account, host, _ := strings.Cut(req.URL.Host, ".")
			_, err := rootkeep.ParseAccountID(account)
			if _, noName := netip.ParseAddrPort(host); err == nil && noName == nil {
				req.URL.Host = host
			}
		}
		return next.HandleFinalize(ctx, in)
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("BareAddress", strip), "ResolveEndpointV2", middleware.After)
}
