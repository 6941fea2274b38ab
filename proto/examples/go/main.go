// A small controller: submits jobs, watches them from any event on, cancels them.
//
//	controller ADDRESS submit PROJECT/APP REPOSITORY COMMIT [REQUEST_ID]
//	controller ADDRESS watch JOB [AFTER_SEQ]
//	controller ADDRESS cancel JOB
//
// ADDRESS is unix:///path, http://host:port or https://host:port. WINDLASS_TOKEN holds the bearer token
// for TCP, CA_FILE the path of a CA certificate for https. Prints one JSON object a line. Exits with
// 0, with 1 when a watched job did not succeed, with 2 when the daemon refused the request.
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v1 "windlass.example/controller/windlassv1"
)

// A lost connection is tried again so often, a second apart.
const tries = 30

var errUsage = errors.New("usage: controller ADDRESS submit|watch|cancel … (see the top of main.go)")

// connect returns a connection to an address; it is made with the first call.
func connect(address string) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if strings.HasPrefix(address, "https://") {
		config := &tls.Config{}
		if path := os.Getenv("CA_FILE"); path != "" {
			pem, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			config.RootCAs = x509.NewCertPool()
			if !config.RootCAs.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("CA_FILE: %s holds no certificate in PEM", path)
			}
		}
		transport = credentials.NewTLS(config)
	}
	target := strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
	return grpc.NewClient(target, grpc.WithTransportCredentials(transport))
}

// submit submits a job and prints it. The same request id again gives the same job.
func submit(ctx context.Context, jobs v1.JobsClient, app, repository, commit, requestID string) error {
	project, name, _ := strings.Cut(app, "/")
	job, err := jobs.Submit(ctx, &v1.SubmitRequest{
		RequestId: requestID,
		App:       &v1.App{Project: project, Name: name},
		Source:    &v1.Source{Repository: repository, Commit: commit},
	})
	if err != nil {
		return err
	}
	say(map[string]any{"job": job.GetId(), "state": job.GetState().String()})
	return nil
}

// watch prints a job's events from the one after `after` on, and returns how the job ended.
func watch(ctx context.Context, jobs v1.JobsClient, job string, after uint64) (v1.Outcome, error) {
	for try := 0; ; try++ {
		before := after
		ended, err := follow(ctx, jobs, job, &after)
		if ended != nil {
			return ended.GetOutcome(), nil
		}
		if after > before {
			try = 0
		}
		// The connection was lost, or the daemon restarts: the same request may be sent again.
		// A stream that ends without `ended` is a lost connection too.
		code := status.Code(err)
		if !errors.Is(err, io.EOF) && code != codes.Unavailable && code != codes.Canceled || try == tries {
			return 0, err
		}
		time.Sleep(time.Second)
	}
}

// follow prints events until the stream ends, and keeps in `after` the number of the last one.
func follow(ctx context.Context, jobs v1.JobsClient, job string, after *uint64) (*v1.Ended, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events, err := jobs.Watch(ctx, &v1.WatchRequest{Id: job, AfterSeq: *after})
	if err != nil {
		return nil, err
	}
	for {
		event, err := events.Recv()
		if err != nil {
			return nil, err
		}
		*after = event.GetSeq()
		line := map[string]any{"seq": event.GetSeq(), "what": what(event)}
		ended := event.GetEnded()
		if ended != nil {
			line["outcome"] = ended.GetOutcome().String()
		}
		say(line)
		if ended != nil {
			return ended, nil
		}
	}
}

// what returns the name of the event's kind, as the proto has it.
func what(event *v1.Event) string {
	message := event.ProtoReflect()
	field := message.WhichOneof(message.Descriptor().Oneofs().ByName("what"))
	if field == nil {
		return "" // A kind that this program's proto does not have yet.
	}
	return string(field.Name())
}

// cancel asks a job to stop and prints it. What ran before still serves.
func cancel(ctx context.Context, jobs v1.JobsClient, id string) error {
	job, err := jobs.Cancel(ctx, &v1.CancelRequest{Id: id})
	if err != nil {
		return err
	}
	say(map[string]any{"job": job.GetId(), "state": job.GetState().String()})
	return nil
}

// refusal returns a refusal with its details: a stable reason, the wrong fields, what to do.
func refusal(refused *status.Status) map[string]any {
	reason, fields, fixes := "", map[string]string{}, []string{}
	for _, detail := range refused.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.GetReason()
		case *errdetails.BadRequest:
			for _, wrong := range detail.GetFieldViolations() {
				fields[wrong.GetField()] = wrong.GetDescription()
			}
		case *errdetails.Help:
			for _, link := range detail.GetLinks() {
				fixes = append(fixes, link.GetDescription())
			}
		}
	}
	return map[string]any{"error": map[string]any{
		"code": constant(refused.Code()), "message": refused.Message(),
		"reason": reason, "fields": fields, "fixes": fixes,
	}}
}

// constant returns a code as other languages spell it: INVALID_ARGUMENT for InvalidArgument.
func constant(code codes.Code) string {
	var name strings.Builder
	for index, letter := range code.String() {
		if index > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}

func say(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // Strings and numbers: it cannot fail.
	}
	fmt.Println(string(text))
}

func run(address, command string, arguments []string) (int, error) {
	connection, err := connect(address)
	if err != nil {
		return 1, err
	}
	defer connection.Close()
	jobs, ctx := v1.NewJobsClient(connection), context.Background()
	if token := os.Getenv("WINDLASS_TOKEN"); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	optional := func(index int, other string) string {
		if index < len(arguments) {
			return arguments[index]
		}
		return other
	}
	switch {
	case command == "submit" && len(arguments) >= 3:
		return 0, submit(ctx, jobs, arguments[0], arguments[1], arguments[2], optional(3, rand.Text()))
	case command == "watch" && len(arguments) >= 1:
		after, err := strconv.ParseUint(optional(1, "0"), 10, 64)
		if err != nil {
			return 2, err
		}
		outcome, err := watch(ctx, jobs, arguments[0], after)
		if outcome != v1.Outcome_OUTCOME_SUCCEEDED {
			return 1, err
		}
		return 0, nil
	case command == "cancel" && len(arguments) >= 1:
		return 0, cancel(ctx, jobs, arguments[0])
	}
	return 2, errUsage
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "controller:", errUsage)
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2], os.Args[3:])
	if refused, ok := status.FromError(err); err != nil && ok {
		say(refusal(refused))
		code = 2
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "controller:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}
