#include "errors.h"

#include <string>

#include "loop.h"

void ThrowErrno(Napi::Env env, int error, const char *doing)
{
	Napi::Error thrown = Napi::Error::New(env, std::string(doing) + ": " + uv_strerror(error));
	thrown.Set("code", Napi::String::New(env, uv_err_name(error)));
	thrown.ThrowAsJavaScriptException();
}

void ThrowMisuse(Napi::Env env, const char *message)
{
	Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

const char *ErrnoName(int error)
{
	return uv_err_name(error);
}
