/* The module: registers the filter and watches the program scene. Newer calls of libobs than 29.0's may be looked up
 * with dlsym only: one binary loads in OBS 29 to 32. */
#include <obs-module.h>

#include "filter.h"

OBS_DECLARE_MODULE()
OBS_MODULE_USE_DEFAULT_LOCALE("mattebox", "en-US")

MODULE_EXPORT const char *obs_module_name(void)
{
	return "mattebox";
}

MODULE_EXPORT const char *obs_module_description(void)
{
	return obs_module_text("Module.Description");
}

bool obs_module_load(void)
{
	obs_register_source(&mb_filter_info);
	mb_scene_watch_start();
	return true;
}

void obs_module_unload(void)
{
	mb_scene_watch_stop();
}
